"""The Payment aggregate: what it knows, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.domain.events import PaymentEvent
from services.payment.domain.transaction import PaymentTransaction, Total
from services.payment.domain.values import (
    MAIN_MERCHANT,
    NO_ACCOUNT,
    NO_CURRENCY,
    NO_REFERENCE,
    NO_REQUEST_ID,
    MerchantId,
    PaymentId,
    PspAccount,
    PspReference,
    RequestId,
    TransactionId,
    TransactionKind,
    transaction_id_of,
)

# The least by which two transactions of a payment are apart.
MOMENT = timedelta(microseconds=1)


@dataclass(kw_only=True, eq=False)
class PaymentState(Aggregate[PaymentEvent]):
    """
    Attributes:
        currency: Fixed by the authorization; XXX before.
        merchant: Whose money it is.
        psp_account: Where everything is asked; fixed by the authorization.
        psp_token: What the authorization draws on; `None` before.
        closed: Whether a void was asked for: from then on nothing is set aside or taken, and
            what is left goes back as soon as the PSP has answered all else.
        expired: Whether it closed because the PSP no longer holds what was set aside.
        expires_at: When the PSP gives back what it has set aside; `None` if it has not said.
    """

    id: PaymentId
    currency: str = NO_CURRENCY
    merchant: MerchantId = MAIN_MERCHANT
    psp_account: PspAccount = NO_ACCOUNT
    psp_token: PspToken | None = None
    closed: bool = False
    expired: bool = False
    expires_at: datetime | None = None
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

    @property
    def refundable(self) -> Money:
        """
        What was taken and neither paid back, nor about to be, nor taken back by a bank.
        """
        captured = self.total(TransactionKind.CAPTURE).settled
        gone = [self.total(TransactionKind.REFUND), self.total(TransactionKind.CHARGEBACK)]
        left = captured - sum(total.settled + total.pending for total in gone)
        return Money(max(left, 0), self.currency)

    @property
    def last_captured_at(self) -> datetime | None:
        """
        When the last capture that succeeded was asked for.
        """
        captures = [
            done.requested_at
            for done in self.transactions.values()
            if done.kind is TransactionKind.CAPTURE and done.has_succeeded
        ]
        return max(captures, default=None)

    def total(self, kind: TransactionKind) -> Total:
        return self.totals.get(kind, Total())

    def settled(self, kind: TransactionKind) -> Money:
        return Money(self.total(kind).settled, self.currency)

    def transaction(
        self, kind: TransactionKind, request_id: RequestId
    ) -> PaymentTransaction | None:
        return self.transactions.get(transaction_id_of(self.id, kind, request_id))

    def _request(
        self,
        kind: TransactionKind,
        amount: Money,
        *,
        now: datetime,
        shipping: Money | None = None,
        request_id: RequestId = NO_REQUEST_ID,
        reason: str = "",
    ) -> PaymentTransaction:
        # Told apart by time, however the clocks of those who ask differ.
        asked_before = (other.requested_at + MOMENT for other in self.transactions.values())
        transaction = PaymentTransaction(
            id=transaction_id_of(self.id, kind, request_id),
            kind=kind,
            amount=amount,
            shipping=shipping or Money(0, amount.currency),
            request_id=request_id,
            reason=reason,
            requested_at=max([now, *asked_before]),
        )
        self._replace(transaction, self.total(kind).request(amount.minor_units))
        return transaction

    def _replace(self, transaction: PaymentTransaction, total: Total) -> None:
        self.transactions[transaction.id] = transaction
        self.totals[transaction.kind] = total

    def _give_back(self, *, now: datetime) -> None:
        # Only once all else is settled: what a pending capture would leave is not known before.
        if (
            self.closed
            and self.remaining.minor_units
            and not self.open_transactions
            and not self.void_transaction
        ):
            self._request(TransactionKind.VOID, self.remaining, now=now)
