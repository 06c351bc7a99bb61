"""One thing asked of the PSP, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from services.payment.domain.values import (
    NO_REFERENCE,
    CaptureId,
    PspReference,
    TransactionId,
    TransactionKind,
    TransactionState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTransaction:
    """
    One thing asked of the PSP.

    Attributes:
        shipping: How much of a capture's amount is for shipping.
        capture_id: Which capture; `None` for the other kinds.
        reference: The PSP's name for it, once it succeeded.
        failure: The PSP's word for why not, once it failed.
    """

    id: TransactionId
    kind: TransactionKind
    amount: Money
    shipping: Money
    requested_at: datetime
    capture_id: CaptureId | None = None
    state: TransactionState = TransactionState.REQUESTED
    reference: PspReference = NO_REFERENCE
    failure: str = ""

    @property
    def is_open(self) -> bool:
        """
        Whether the PSP has yet to say what came of it.
        """
        return self.state in (TransactionState.REQUESTED, TransactionState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Total:
    """
    The sum of a payment's transactions of one kind, in minor units.

    Attributes:
        settled: What succeeded.
        pending: What is still open: it may yet succeed, and counts against every limit.
    """

    settled: int = 0
    pending: int = 0

    def request(self, amount: int) -> "Total":
        return Total(self.settled, self.pending + amount)

    def succeed(self, amount: int) -> "Total":
        return Total(self.settled + amount, self.pending - amount)

    def fail(self, amount: int) -> "Total":
        return Total(self.settled, self.pending - amount)
