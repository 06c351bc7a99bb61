"""Use case: a settlement report that is whole is matched with the books."""

from dataclasses import dataclass
from datetime import datetime

from services.payment.application.reconciliation.matching import Matching
from services.payment.domain.settlement.report import Report, new_report
from services.payment.domain.values import PspAccount

# A call does so much, and says how far it has come: no caller waits for a million rows.
MOST_BATCHES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileReport:
    """
    Attributes:
        rows: How many rows the report has.
        begins, ends: What it covers: from inclusive, to exclusive.
    """

    account: PspAccount
    report_id: str
    rows: int
    begins: datetime
    ends: datetime


async def reconcile_report(
    command: ReconcileReport, *, matching: Matching, batches: int = MOST_BATCHES
) -> Report:
    """
    Match up to *batches* of a report with the books, and return how far it has come.

    Safe to repeat: it goes on where it stopped, and a report that is reconciled stays as it is.
    """
    matching.accounts.merchant_of(command.account)  # refuses an unknown one
    async with matching.uow() as tx:
        report = await tx.reports.open(new_report(command.account, command.report_id))
        report.complete(rows=command.rows, begins=command.begins, ends=command.ends)
        await tx.reports.save(report)
    return await matching.go_on(report, batches=batches)
