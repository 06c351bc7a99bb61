"""One request at work: what it may look at, and what becomes of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from deploy.psp.objects import API_VERSION, Object, payment_object
from deploy.psp.records import Dispute, Event, Movement, Operation, Payment, Record, Refund
from deploy.psp.refusals import no_such


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaws:
    """
    How a request goes wrong because somebody has commanded it.

    Attributes:
        steps: How many of the currency's smallest steps too much or too little are moved.
        decline_code: Why the bank declines; empty if it does not.
        pending_seconds: How long a refund is on its way.
        fails_seconds: After how long a refund fails that had succeeded.
    """

    steps: int = 0
    decline_code: str = ""
    pending_seconds: float | None = None
    fails_seconds: float | None = None


FLAWLESS = Flaws()


@dataclass(slots=True, kw_only=True)
class Books:
    """
    The records that a batch of requests looks at, as changed by those before in the batch.

    Attributes:
        changed: What is to be written, each once, in the order of the first change.
    """

    payments: dict[str, Payment] = field(default_factory=dict[str, Payment])
    refunds: dict[str, Refund] = field(default_factory=dict[str, Refund])
    disputes: dict[str, Dispute] = field(default_factory=dict[str, Dispute])
    changed: dict[int, Record] = field(default_factory=dict[int, Record])

    def keep(self, record: Record) -> None:
        self.changed[id(record)] = record


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    Attributes:
        account: Whose request it is.
        key: Its idempotency key; may be empty.
        now: Unix seconds.
        authorization_seconds: How long banks set money aside.
    """

    account: str
    now: float
    books: Books
    key: str = ""
    flaws: Flaws = FLAWLESS
    authorization_seconds: int = 7 * 86_400

    @property
    def time(self) -> int:
        return int(self.now)

    def payment(self, id_: str) -> Payment:
        """
        Raises:
            Refusal: The account has none with this id.
        """
        payment = self.books.payments.get(id_)
        if payment is None or payment.account != self.account:
            raise no_such("payment_intent", id_, param="intent")
        return payment

    def refund(self, id_: str) -> Refund:
        refund = self.books.refunds.get(id_)
        if refund is None or refund.account != self.account:
            raise no_such("refund", id_)
        return refund

    def dispute(self, id_: str) -> Dispute:
        dispute = self.books.disputes.get(id_)
        if dispute is None or dispute.account != self.account:
            raise no_such("dispute", id_)
        return dispute

    def operate(self, payment: Payment, kind: str, *, asked: int, moved: int) -> None:
        """
        Note what was done with the card of *payment*, and that *payment* has changed.
        """
        self.books.keep(payment)
        self.books.keep(
            Operation(
                id=new_id("op"),
                account=self.account,
                created=self.time,
                payment=payment.id,
                kind=kind,
                asked=asked,
                moved=moved,
                key=self.key,
            )
        )

    def move(
        self,
        category: str,
        amount: int,
        *,
        of: Payment,
        source: str,
        fee: int = 0,
        reference: str = "",
    ) -> Movement:
        """
        Change the balance of the merchant.
        """
        movement = Movement(
            id=new_id("txn"),
            account=self.account,
            created=self.time,
            category=category,
            currency=of.currency,
            amount=amount,
            fee=fee,
            source=source,
            payment=of.id,
            reference=reference,
        )
        self.books.keep(movement)
        return movement

    def tell(self, kind: str, what: Object) -> None:
        """
        Let the merchant know, with *what* as it is now.
        """
        event_id = new_id("evt")
        body = {
            "id": event_id,
            "object": "event",
            "api_version": API_VERSION,
            "created": self.time,
            "data": {"object": what},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": self.key or None},
            "type": kind,
        }
        self.books.keep(
            Event(
                id=event_id,
                account=self.account,
                created=self.time,
                type=kind,
                body=orjson.dumps(body).decode(),
            )
        )

    def tell_payment(self, kind: str, payment: Payment) -> None:
        self.tell(kind, payment_object(payment))


def new_id(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"


def reference_in(metadata: Mapping[str, str]) -> str:
    """
    Return what the merchant calls an operation, if the metadata that came with it says so: either
    as `transaction_id`, or in a key such as `capture_<id>`.
    """
    if "transaction_id" in metadata:
        return metadata["transaction_id"]
    return next((key.partition("_")[2] for key in metadata if key.startswith("capture_")), "")
