"""
How a report is matched: some rows at a time, each time in a transaction of its own.

Safe to repeat and to break off anywhere: how far it has come is written down with what came of it,
and whoever asks again goes on from there. Two at once take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from services.payment.application.reconciliation.ports import (
    ReconciliationUnitOfWork,
    SettledAccounts,
    Transaction,
)
from services.payment.domain.settlement.consequences import consequences_of, missing_there
from services.payment.domain.settlement.matching import Match, Matcher
from services.payment.domain.settlement.report import Report, ReportState, Step
from services.payment.domain.settlement.rows import PlacedRow
from services.payment.domain.values import MerchantId

BATCH = 1_000

SETTLED_SINCE = "It was in a report."
BOOKED_SINCE = "It was booked."


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """
    Attributes:
        margin: What was booked so shortly before the end of a report may be in the next one: the
            PSP's clock is not ours.
        batch: How many rows are matched in one transaction.
    """

    uow: ReconciliationUnitOfWork
    accounts: SettledAccounts
    clock: Clock
    margin: timedelta
    batch: int = BATCH

    async def go_on(self, report: Report, *, batches: int) -> Report:
        """
        Do up to *batches* of what is left to do for *report*, and return it as it then is.
        """
        merchant = self.accounts.merchant_of(report.account)
        for _ in range(batches):
            if report.state is not ReportState.MATCHING:
                break
            async with self.uow() as tx:
                report = await tx.reports.open(report)
                if report.state is ReportState.MATCHING:
                    await self._do_next(tx, report, merchant)
                    await tx.reports.save(report)
        return report

    async def _do_next(self, tx: Transaction, report: Report, merchant: MerchantId) -> None:
        now = self.clock()
        match report.step:
            case Step.HEAL:
                more = await self._heal(tx, report, merchant, now=now)
            case Step.MISSING:
                more = await self._find_missing(tx, report, now=now)
            case _:
                more = await self._match(tx, report, merchant, now=now)
        if not more:
            report.advance(now=now)

    async def _heal(
        self, tx: Transaction, report: Report, merchant: MerchantId, *, now: datetime
    ) -> bool:
        """
        Match what earlier reports had and the books had not, and now have to the cent.
        """
        missing = await tx.differences.missing_here(
            report.account, after=report.cursor, limit=self.batch
        )
        if not missing:
            return False
        report.cursor = missing[-1].id
        rows = {
            PlacedRow(each.report, each.position, each.row): each.id
            for each in missing
            if each.row and each.position is not None
        }
        matcher = Matcher(await tx.movements.about(report.account, list(rows)), known_rows=())
        matches = matcher.match_exactly(rows)
        booked = [rows[match.placed] for match in matches]
        await tx.differences.dismiss(booked, reason=BOOKED_SINCE, now=now)
        await _apply(tx, report, matches, merchant, now=now)
        return len(missing) == self.batch

    async def _match(
        self, tx: Transaction, report: Report, merchant: MerchantId, *, now: datetime
    ) -> bool:
        rows = await tx.rows.undecided(report, limit=self.batch)
        if not rows:
            return False
        report.position = rows[-1].position
        matcher = Matcher(
            await tx.movements.about(report.account, rows),
            known_rows=await tx.rows.known_among(report.account, rows),
        )
        is_exact = report.step is Step.EXACT
        matches = matcher.match_exactly(rows) if is_exact else matcher.match_rest(rows)
        report.note(matches)
        await _apply(tx, report, matches, merchant, now=now)
        return len(rows) == self.batch

    async def _find_missing(self, tx: Transaction, report: Report, *, now: datetime) -> bool:
        assert report.begins
        assert report.ends
        movements, last = await tx.movements.unsettled(
            report,
            begins=report.begins - self.margin,
            ends=report.ends - self.margin,
            # What was asked for before any report began may be in none.
            since=await tx.reports.first_began_at(report.account),
            limit=self.batch,
        )
        await tx.differences.add(report.account, missing_there(movements, report.id, now=now))
        if last is None:
            return False
        report.cursor = last
        return True


async def _apply(
    tx: Transaction,
    report: Report,
    matches: Sequence[Match],
    merchant: MerchantId,
    *,
    now: datetime,
) -> None:
    to_do = consequences_of(matches, report.account, merchant=merchant, now=now)
    await tx.rows.decide(matches)
    await tx.differences.add(report.account, to_do.opened)
    await tx.differences.dismiss(to_do.closed, reason=SETTLED_SINCE, now=now)
    # Last, as it locks a shard of the books until the commit.
    if to_do.entries:
        await tx.ledger.book(to_do.entries)
