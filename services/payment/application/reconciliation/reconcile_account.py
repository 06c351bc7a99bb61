"""Use case: what the PSP says it has moved since the last time is fetched and matched."""

from services.payment.application.reconciliation.import_settlement_rows import take_in
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.ports import SettlementReports, Window
from services.payment.domain.settlement.report import Report, ReportState, new_report
from services.payment.domain.values import PspAccount

# Pages of a hundred rows or so, and batches of matching: as much as one call does.
MOST_PAGES = 10
MOST_BATCHES = 8


async def reconcile_account(
    account: PspAccount,
    *,
    psp: SettlementReports,
    matching: Matching,
    pages: int = MOST_PAGES,
    batches: int = MOST_BATCHES,
) -> Report | None:
    """
    Fetch up to *pages* and match up to *batches* of what *account* has moved since the last time,
    and return how far it has come; `None` if no time has passed that could be asked about.

    Safe to repeat, and for two at once: the time that is being fetched is written down before, a
    row's place is where the PSP lists it, and whoever goes on does so behind the last row. What
    moved just now is left to the next time: the PSP may yet have to write it down.
    """
    matching.accounts.merchant_of(account)  # refuses an unknown one
    until = (matching.clock() - matching.margin).replace(microsecond=0)
    async with matching.uow() as tx:
        window = await tx.windows.open(account, until=until)
        if window is None:
            return None
        report = await tx.reports.open(new_report(account, window.report_id))
    if report.state is ReportState.IMPORTING:
        report = await _fetch(window, report, psp=psp, matching=matching, pages=pages)
    report = await matching.go_on(report, batches=batches)
    if report.state is ReportState.RECONCILED:
        async with matching.uow() as tx:
            await tx.windows.close(window)
    return report


async def _fetch(
    window: Window, report: Report, *, psp: SettlementReports, matching: Matching, pages: int
) -> Report:
    async with matching.uow() as tx:
        after, offset = await tx.rows.last_id(report), report.rows
    read = psp.rows(window.account, since=window.begins, until=window.ends, after=after)
    async for rows in read:
        if pages == 0:
            return report
        pages -= 1
        async with matching.uow() as tx:
            report = await tx.reports.open(report)
            await take_in(tx, report, rows, offset=offset)
        offset += len(rows)
    async with matching.uow() as tx:
        report = await tx.reports.open(report)
        report.complete(rows=offset, begins=window.begins, ends=window.ends)
        await tx.reports.save(report)
    return report
