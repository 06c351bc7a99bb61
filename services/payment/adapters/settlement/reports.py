"""Settlement reports, kept in PostgreSQL."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.storage.bulk import upsert_rows
from chassis.storage.database import Transaction
from services.payment.adapters.settlement.tables import SETTLEMENT_REPORTS
from services.payment.application.reconciliation.ports import SettlementReportNotFound
from services.payment.domain.settlement.differences import DifferenceKind, DifferenceState
from services.payment.domain.settlement.report import Report, ReportState, Step
from services.payment.domain.values import PspAccount

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('settlement'), hashtext(:account))")
_SELECT = text("SELECT * FROM settlement_reports WHERE id = :id")
_FIRST = text(
    """
    SELECT begins_at FROM settlement_reports WHERE psp_account = :account AND begins_at IS NOT NULL
    ORDER BY begins_at LIMIT 1
    """
)
_COUNTS = text(
    """
    SELECT kind, state, count(*) AS number FROM settlement_differences WHERE report = :report
    GROUP BY kind, state
    """
)


async def lock_account(tx: Transaction, account: PspAccount) -> None:
    """
    Wait until nobody else reconciles *account*, and keep all others from it until the end of *tx*.
    """
    await tx.rows(_LOCK, {"account": account})


class SqlReports:
    """
    The reports of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, report: UUID) -> Report:
        for row in await self._tx.rows(_SELECT, {"id": report}):
            return report_from_row(row)
        raise SettlementReportNotFound("there is no such settlement report")

    async def open(self, blank: Report) -> Report:
        # Two statements: the second sees what the last holder of the lock has written.
        await lock_account(self._tx, blank.account)
        for row in await self._tx.rows(_SELECT, {"id": blank.id}):
            return report_from_row(row)
        return blank

    async def save(self, report: Report) -> None:
        await upsert_rows(self._tx, SETTLEMENT_REPORTS, [row_from_report(report)], key=["id"])

    async def counts(self, report: UUID) -> Mapping[DifferenceKind, Mapping[DifferenceState, int]]:
        counts: defaultdict[DifferenceKind, dict[DifferenceState, int]] = defaultdict(dict)
        for row in await self._tx.rows(_COUNTS, {"report": report}):
            counts[DifferenceKind(row.kind)][DifferenceState(row.state)] = row.number
        return counts

    async def first_began_at(self, account: PspAccount) -> datetime:
        ((first,),) = await self._tx.rows(_FIRST, {"account": account})
        began: datetime = first
        return began


def report_from_row(row: Row[Any]) -> Report:
    return Report(
        id=row.id,
        account=PspAccount(row.psp_account),
        report_id=row.report_id,
        state=ReportState(row.state),
        rows=row.rows,
        begins=row.begins_at,
        ends=row.ends_at,
        step=Step(row.step),
        position=row.position,
        cursor=row.cursor,
        matched=row.matched,
        fees=Counter(row.fees),
        reconciled_at=row.reconciled_at,
    )


def row_from_report(report: Report) -> Mapping[str, Any]:
    return {
        "id": report.id,
        "psp_account": report.account,
        "report_id": report.report_id,
        "state": report.state,
        "rows": report.rows,
        "begins_at": report.begins,
        "ends_at": report.ends,
        "step": report.step,
        "position": report.position,
        "cursor": report.cursor,
        "matched": report.matched,
        "fees": report.fees,
        "reconciled_at": report.reconciled_at,
    }
