"""Use case: a part of a settlement report comes in."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput
from services.payment.application.reconciliation.ports import (
    ReconciliationUnitOfWork,
    SettledAccounts,
    Transaction,
)
from services.payment.domain.settlement.report import Report, new_report
from services.payment.domain.settlement.rows import PlacedRow, SettlementRow
from services.payment.domain.values import PspAccount

MOST_ROWS = 5_000
# Places are 32-bit integers.
MOST_PLACES = 2_000_000_000


class RowCountOutOfRange(InvalidInput):
    pass


class OffsetOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettlementRows:
    account: PspAccount
    report_id: str
    offset: int
    rows: Sequence[SettlementRow]

    def __post_init__(self) -> None:
        if not 0 < len(self.rows) <= MOST_ROWS:
            raise RowCountOutOfRange(
                f"rows takes 1 to {MOST_ROWS:,}, not {len(self.rows):,}", field="rows"
            )
        if not 0 <= self.offset <= MOST_PLACES:
            raise OffsetOutOfRange(f"offset is 0 to {MOST_PLACES:,}", field="offset")


async def import_settlement_rows(
    command: ImportSettlementRows, *, uow: ReconciliationUnitOfWork, accounts: SettledAccounts
) -> int:
    """
    Write down a part of a report, and return how many of its rows are in.

    Safe to repeat: a row has a place in its report, and a place is taken once.
    """
    accounts.merchant_of(command.account)  # refuses an unknown one
    async with uow() as tx:
        blank = new_report(command.account, command.report_id)
        report = await tx.reports.open(blank)
        await take_in(tx, report, command.rows, offset=command.offset)
    return report.rows


async def take_in(
    tx: Transaction, report: Report, rows: Sequence[SettlementRow], *, offset: int
) -> None:
    """
    Write down *rows* of *report*, the first at the place *offset*.

    Raises:
        RowMismatch: Another row stands in the place of one of them.
        ReportComplete: One of them is new, and the report was said to be whole.
    """
    placed = [PlacedRow(report.id, offset + number, row) for number, row in enumerate(rows)]
    added = await tx.rows.add(report.account, placed)
    if added:
        report.demand_more_rows()
        report.rows += added
        await tx.reports.save(report)
