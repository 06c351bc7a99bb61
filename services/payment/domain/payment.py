"""
The Payment aggregate: what may be asked of the PSP, and what its answers mean.

A transaction is asked for first and settled later, by whichever answer comes first; asking for it
again, or settling it again, changes nothing. What is pending counts against every limit, so that
no order of answers can take more than was set aside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import RuleViolated
from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.psp_token import PspToken
from services.payment.domain import events
from services.payment.domain.ledger import JournalEntry, entry_of_capture
from services.payment.domain.transaction import PaymentTransaction, Total
from services.payment.domain.values import (
    NO_CURRENCY,
    NO_REFERENCE,
    Approved,
    CaptureId,
    Declined,
    NoAnswer,
    PaymentId,
    PspAnswer,
    PspReference,
    TransactionId,
    TransactionKind,
    TransactionState,
    transaction_id_of,
)


class PaymentMismatch(RuleViolated):
    pass


class PaymentVoided(RuleViolated):
    pass


class PaymentNotAuthorized(RuleViolated):
    pass


class CaptureMismatch(RuleViolated):
    pass


class CaptureExceedsAuthorization(RuleViolated):
    pass


@dataclass(kw_only=True, eq=False)
class Payment(Aggregate[events.PaymentEvent]):
    """
    The money of one order.

    Attributes:
        currency: Fixed by the authorization; XXX before.
        psp_token: What the authorization draws on; `None` before.
        closed: Whether a void was asked for: from then on nothing is set aside or taken, and
            what is left goes back as soon as the PSP has answered all else.
    """

    id: PaymentId
    currency: str = NO_CURRENCY
    psp_token: PspToken | None = None
    closed: bool = False
    totals: dict[TransactionKind, Total] = field(default_factory=dict[TransactionKind, Total])
    transactions: dict[TransactionId, PaymentTransaction] = field(
        default_factory=dict[TransactionId, PaymentTransaction]
    )

    @property
    def authorization(self) -> PaymentTransaction | None:
        return self.transactions.get(transaction_id_of(self.id, TransactionKind.AUTHORIZATION))

    @property
    def void_transaction(self) -> PaymentTransaction | None:
        return self.transactions.get(transaction_id_of(self.id, TransactionKind.VOID))

    @property
    def psp_reference(self) -> PspReference:
        """
        The PSP's name for what it has set aside; empty if it has nothing.
        """
        asked = self.authorization
        return asked.reference if asked else NO_REFERENCE

    @property
    def open_transactions(self) -> Sequence[PaymentTransaction]:
        """
        What the PSP has not answered yet.
        """
        return [asked for asked in self.transactions.values() if asked.is_open]

    @property
    def remaining(self) -> Money:
        """
        What is set aside and neither taken nor given back, nor about to be.
        """
        authorized = self.total(TransactionKind.AUTHORIZATION).settled
        gone = [self.total(TransactionKind.CAPTURE), self.total(TransactionKind.VOID)]
        left = authorized - sum(total.settled + total.pending for total in gone)
        return Money(left, self.currency)

    def total(self, kind: TransactionKind) -> Total:
        return self.totals.get(kind, Total())

    def settled(self, kind: TransactionKind) -> Money:
        return Money(self.total(kind).settled, self.currency)

    def authorize(self, amount: Money, token: PspToken, *, now: datetime) -> None:
        """
        Ask for *amount* to be set aside, unless that was asked for before.

        Raises:
            PaymentMismatch: Something else was asked for under this id.
            PaymentVoided: A void came first.
        """
        asked = self.authorization
        if asked and (asked.amount, self.psp_token) != (amount, token):
            raise PaymentMismatch(f"payment {self.id} has another amount or token")
        if self.closed:
            raise PaymentVoided(f"payment {self.id} is voided")
        if asked is None:
            self.currency, self.psp_token = amount.currency, token
            self._request(TransactionKind.AUTHORIZATION, amount, now=now)

    def capture(
        self, capture_id: CaptureId, amount: Money, shipping: Money, *, now: datetime
    ) -> None:
        """
        Ask for *amount* of what is set aside to be taken, unless that was asked for before.

        Raises:
            CaptureMismatch: Something else was asked for under this capture's id.
            PaymentVoided: A void came first.
            PaymentNotAuthorized: Nothing is set aside.
            CurrencyMismatch: The payment is in another currency.
            CaptureExceedsAuthorization: Less than *amount* is left.
        """
        asked = self.transactions.get(
            transaction_id_of(self.id, TransactionKind.CAPTURE, capture_id)
        )
        if asked:
            if (asked.amount, asked.shipping) != (amount, shipping):
                raise CaptureMismatch(f"capture {capture_id} has another amount")
            return
        if self.closed:
            raise PaymentVoided(f"payment {self.id} is voided")
        if not self.total(TransactionKind.AUTHORIZATION).settled:
            raise PaymentNotAuthorized(f"payment {self.id} is not authorized")
        if amount.currency != self.currency:
            raise CurrencyMismatch(f"payment {self.id} is in {self.currency}", field="amount")
        if amount.minor_units > self.remaining.minor_units:
            raise CaptureExceedsAuthorization(
                f"{self.remaining} is left of payment {self.id}, not {amount}"
            )
        self._request(
            TransactionKind.CAPTURE, amount, shipping=shipping, capture_id=capture_id, now=now
        )

    def void(self, *, now: datetime) -> None:
        """
        Let nothing more happen, and ask for what is left to be given back.

        A void may come before the authorization it undoes: the authorization is refused then.
        One that was declined needs no undoing.
        """
        if self.authorization and self.authorization.state is TransactionState.FAILED:
            return
        self.closed = True
        self._give_back(now=now)

    def settle(
        self, transaction_id: TransactionId, answer: PspAnswer, *, now: datetime
    ) -> JournalEntry | None:
        """
        Note what the PSP answered, and return what that does to the books, if anything.

        The first answer stands: later ones about the same transaction change nothing.
        """
        asked = self.transactions[transaction_id]
        if not asked.is_open:
            return None
        match answer:
            case Approved(reference):
                settled = replace(asked, state=TransactionState.SUCCEEDED, reference=reference)
                self._replace(settled, self.total(asked.kind).succeed(asked.amount.minor_units))
                self._record_success(settled)
            case Declined(reason):
                settled = replace(asked, state=TransactionState.FAILED, failure=reason)
                self._replace(settled, self.total(asked.kind).fail(asked.amount.minor_units))
                self._record_failure(settled)
            case NoAnswer():
                settled = replace(asked, state=TransactionState.UNKNOWN)
                self._replace(settled, self.total(asked.kind))
        self._give_back(now=now)
        taken = (TransactionKind.CAPTURE, TransactionState.SUCCEEDED)
        if (settled.kind, settled.state) == taken:
            return entry_of_capture(self.id, settled, now=now)
        return None

    def _give_back(self, *, now: datetime) -> None:
        # Only once all else is settled: what a pending capture would leave is not known before.
        if (
            self.closed
            and self.remaining.minor_units
            and not self.open_transactions
            and not self.void_transaction
        ):
            self._request(TransactionKind.VOID, self.remaining, now=now)

    def _request(
        self,
        kind: TransactionKind,
        amount: Money,
        *,
        now: datetime,
        shipping: Money | None = None,
        capture_id: CaptureId | None = None,
    ) -> None:
        transaction = PaymentTransaction(
            id=transaction_id_of(self.id, kind, capture_id),
            kind=kind,
            amount=amount,
            shipping=shipping or Money(0, amount.currency),
            capture_id=capture_id,
            requested_at=now,
        )
        self._replace(transaction, self.total(kind).request(amount.minor_units))

    def _replace(self, transaction: PaymentTransaction, total: Total) -> None:
        self.transactions[transaction.id] = transaction
        self.totals[transaction.kind] = total

    def _record_success(self, done: PaymentTransaction) -> None:
        if done.kind is TransactionKind.AUTHORIZATION:
            self.record(events.PaymentAuthorized(payment_id=self.id, amount=done.amount))
        elif done.kind is TransactionKind.VOID:
            self.record(events.PaymentVoided(payment_id=self.id, amount=done.amount))
        elif done.capture_id:
            self.record(
                events.PaymentCaptured(
                    payment_id=self.id,
                    capture_id=done.capture_id,
                    amount=done.amount,
                    total_captured=self.settled(TransactionKind.CAPTURE),
                )
            )

    def _record_failure(self, failed: PaymentTransaction) -> None:
        if failed.kind is TransactionKind.AUTHORIZATION:
            self.record(
                events.PaymentDeclined(
                    payment_id=self.id, amount=failed.amount, reason=failed.failure
                )
            )
