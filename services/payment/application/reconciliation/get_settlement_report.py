"""Use case: what came of a settlement report."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.payment.application.reconciliation.ports import ReconciliationUnitOfWork
from services.payment.domain.settlement.differences import DifferenceKind, DifferenceState
from services.payment.domain.settlement.report import Report, report_key
from services.payment.domain.values import PspAccount


@dataclass(frozen=True, slots=True)
class ReportStanding:
    """
    A report, and how many differences it has of each kind and state.
    """

    report: Report
    differences: Mapping[DifferenceKind, Mapping[DifferenceState, int]]


async def get_settlement_report(
    account: PspAccount, report_id: str, *, uow: ReconciliationUnitOfWork
) -> ReportStanding:
    """
    Raises:
        SettlementReportNotFound: There is no such report.
    """
    async with uow() as tx:
        report = await tx.reports.get(report_key(account, report_id))
        return ReportStanding(report, await tx.reports.counts(report.id))
