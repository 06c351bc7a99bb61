"""One thing asked of the PSP, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from services.payment.domain.values import (
    NO_REFERENCE,
    NO_REQUEST_ID,
    PspReference,
    RequestId,
    TransactionId,
    TransactionKind,
    TransactionState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTransaction:
    """
    One thing asked of the PSP.

    Attributes:
        amount: What was asked for.
        shipping: How much of a capture's or a refund's amount is for shipping.
        request_id: What the asker calls it; empty for an authorization and a void, of which a
            payment has one.
        reason: Why, for people; told to the PSP.
        reference: The PSP's name for it, once it succeeded.
        moved: What the PSP moved in fact, once it succeeded.
        failure: The PSP's word for why not, once it failed; of an authorization that succeeded,
            why it is given back.
    """

    id: TransactionId
    kind: TransactionKind
    amount: Money
    shipping: Money
    requested_at: datetime
    request_id: RequestId = NO_REQUEST_ID
    reason: str = ""
    state: TransactionState = TransactionState.REQUESTED
    reference: PspReference = NO_REFERENCE
    moved: Money | None = None
    failure: str = ""

    @property
    def is_open(self) -> bool:
        """
        Whether the PSP has yet to say what came of it.
        """
        return self.state in (TransactionState.REQUESTED, TransactionState.UNKNOWN)

    @property
    def has_succeeded(self) -> bool:
        return self.state is TransactionState.SUCCEEDED

    @property
    def is_increment(self) -> bool:
        return self.kind is TransactionKind.AUTHORIZATION and bool(self.request_id)


@dataclass(frozen=True, slots=True)
class Total:
    """
    The sum of a payment's transactions of one kind, in minor units.

    Attributes:
        settled: What the PSP moved.
        pending: What was asked for and is still open: it may yet be moved, and counts against
            every limit.
    """

    settled: int = 0
    pending: int = 0

    def request(self, amount: int) -> "Total":
        return Total(self.settled, self.pending + amount)

    def succeed(self, amount: int, *, moved: int) -> "Total":
        return Total(self.settled + moved, self.pending - amount)

    def fail(self, amount: int) -> "Total":
        return Total(self.settled, self.pending - amount)

    def undo(self, moved: int) -> "Total":
        return Total(self.settled - moved, self.pending)
