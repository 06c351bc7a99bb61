"""What our books have in the PSP's clearing account."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from chassis.kernel.money import Money
from services.payment.domain.ledger import EntryKind
from services.payment.domain.values import MerchantId, PaymentId, TransactionId

MovementKey = tuple[TransactionId, EntryKind]


class Standing(StrEnum):
    """
    Where a movement stands with the PSP's reports.
    """

    # No report had it so far.
    UNSETTLED = "UNSETTLED"
    # A report had it.
    SETTLED = "SETTLED"
    # None had it, and somebody took it out of the clearing account.
    WRITTEN_OFF = "WRITTEN_OFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """
    One entry of the books that waits in the clearing account for the PSP's word.

    Attributes:
        source_id: The PSP's name for it, or for the money it was taken from.
        amount: What the clearing account got: above zero to the merchant, below from it.
        asked: What it was asked to move, if the PSP said at once that it moved something else;
            `None` if it did as it was told.
        standing: As above.
        missed_as: The open difference that says that a report should have had it.
    """

    transaction_id: TransactionId
    kind: EntryKind
    payment_id: PaymentId
    merchant: MerchantId
    source_id: str
    amount: Money
    asked: Money | None = None
    standing: Standing = Standing.UNSETTLED
    missed_as: UUID | None = None

    @property
    def key(self) -> MovementKey:
        return (self.transaction_id, self.kind)
