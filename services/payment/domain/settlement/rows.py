"""A row of a settlement report, as the PSP wrote it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.text import check_text
from services.payment.domain.ledger import EntryKind
from services.payment.domain.values import PspAccount, TransactionId

MOST_CHARACTERS = 255

_ROWS = UUID("6f0d2c67-5c3e-5f0e-9d52-0a9b3f3b1b7e")


class RowKind(StrEnum):
    CAPTURE = "CAPTURE"
    REFUND = "REFUND"
    REFUND_FAILURE = "REFUND_FAILURE"
    CHARGEBACK = "CHARGEBACK"
    CHARGEBACK_REVERSAL = "CHARGEBACK_REVERSAL"
    FEE = "FEE"
    PAYOUT = "PAYOUT"

    @property
    def entry_kind(self) -> EntryKind | None:
        """
        What our books call it; `None` of what they learn from the report alone.
        """
        return _ENTRY_KINDS.get(self)


_ENTRY_KINDS = {
    RowKind.CAPTURE: EntryKind.CAPTURE,
    RowKind.REFUND: EntryKind.REFUND,
    RowKind.REFUND_FAILURE: EntryKind.REFUND_REVERSAL,
    RowKind.CHARGEBACK: EntryKind.CHARGEBACK,
    RowKind.CHARGEBACK_REVERSAL: EntryKind.CHARGEBACK_REVERSAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRow:
    """
    One movement on the merchant's balance at the PSP.

    Attributes:
        row_id: The PSP's id of the movement: it says each once, or the report is wrong.
        source_id: The PSP's id of what moved; of a capture, of the money it was taken from.
        transaction_id: Ours; `None` if the PSP was not told it.
        gross: Above zero to the merchant, below from it.
        fee: What the PSP kept of it; below zero: gave back, as with a dispute that is won.
        net: What the merchant's balance changed by: gross − fee, unless the report is wrong.
    """

    row_id: str
    kind: RowKind
    source_id: str
    transaction_id: TransactionId | None
    gross: Money
    fee: Money
    net: Money
    created_at: datetime

    def __post_init__(self) -> None:
        check_text(self.row_id, "row_id", least=1, most=MOST_CHARACTERS)
        check_text(self.source_id, "source_id", most=MOST_CHARACTERS)
        for name, amount in (("fee", self.fee), ("net", self.net)):
            if amount.currency != self.gross.currency:
                raise CurrencyMismatch(f"{name} and gross differ in currency", field=name)

    @property
    def adds_up(self) -> bool:
        return self.net == self.gross - self.fee


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """
    A row, and its place in its report, from 0.
    """

    report: UUID
    position: int
    row: SettlementRow


def settlement_id_of(account: PspAccount, row_id: str) -> UUID:
    """
    Return what a row is booked for: whatever goes wrong above, the books take it once.
    """
    return uuid5(_ROWS, f"{account} {row_id}")
