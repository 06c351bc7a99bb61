"""Everything around the use cases of reconciliation, in memory."""

import asyncio
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta

from services.payment.adapters.settlement.rows import RowMismatch
from services.payment.application.reconciliation.import_settlement_rows import (
    ImportSettlementRows,
    import_settlement_rows,
)
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.ports import (
    DifferenceFilter,
    DifferenceNotFound,
    PspAccountUnknown,
    SettlementReportNotFound,
    Window,
)
from services.payment.application.reconciliation.reconcile_report import (
    ReconcileReport,
    reconcile_report,
)
from services.payment.application.reconciliation.resolve_difference import (
    ResolveDifference,
    resolve_difference,
)
from services.payment.domain.ledger import EntryKind
from services.payment.domain.settlement.differences import DifferenceKind, DifferenceState
from services.payment.domain.settlement.matching import PAIRED, Outcome
from services.payment.domain.settlement.movements import Movement, Standing
from services.payment.domain.values import MAIN_MERCHANT
from tests.settlements import EVENING, MAIN, MORNING, finding_of

MARGIN = timedelta(minutes=10)
OPEN = DifferenceFilter(report=None, kind=None, state=DifferenceState.OPEN)


class Accounts:
    def __init__(self, *names):
        self._names = names or (MAIN,)

    def names(self):
        return self._names

    def merchant_of(self, account):
        if account not in self._names:
            raise PspAccountUnknown(f"there is no account {account}", field="psp_account")
        return MAIN_MERCHANT


@dataclass
class Books:
    """
    Everything that was written down.
    """

    booked: list = field(default_factory=list)
    payments: dict = field(default_factory=dict)
    reports: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)
    outcomes: dict = field(default_factory=dict)
    differences: dict = field(default_factory=dict)
    fetched: dict = field(default_factory=dict)
    due: dict = field(default_factory=dict)

    def copy(self):
        """
        Return what a transaction may change: most of it is made of values.
        """
        values = {each.name: copy(getattr(self, each.name)) for each in fields(self)}
        values["reports"] = {key: deepcopy(report) for key, report in self.reports.items()}
        return Books(**values)


class ReconciliationWorld:
    """
    Attributes:
        batch: How many rows are matched at once.
    """

    def __init__(self, *made, batch=3):
        self.now = EVENING
        self.books = Books()
        self.matching = Matching(
            uow=self.uow, accounts=Accounts(), clock=lambda: self.now, margin=MARGIN, batch=batch
        )
        self._lock = asyncio.Lock()
        self.make(*made)

    def make(self, *made):
        for each in made:
            self.books.payments[each.payment.id] = each.payment
            self.books.booked += each.entries

    @asynccontextmanager
    async def uow(self):
        async with self._lock:
            tx = InMemoryReconciliation(self.books.copy())
            yield tx
            self.books = tx.books

    async def take_in(self, rows, *, report_id="january", offset=0):
        command = ImportSettlementRows(account=MAIN, report_id=report_id, offset=offset, rows=rows)
        return await import_settlement_rows(command, uow=self.uow, accounts=Accounts())

    async def match(self, count, *, report_id="january", begins=MORNING, ends=EVENING, batches=999):
        command = ReconcileReport(
            account=MAIN, report_id=report_id, rows=count, begins=begins, ends=ends
        )
        return await reconcile_report(command, matching=self.matching, batches=batches)

    async def reconcile(self, rows, **more):
        if rows:
            await self.take_in(rows, report_id=more.get("report_id", "january"))
        return await self.match(len(rows), **more)

    async def resolve(self, difference, *, reason="seen to", dismiss=False):
        command = ResolveDifference(difference_id=difference.id, reason=reason, dismiss=dismiss)
        return await resolve_difference(command, uow=self.uow, clock=lambda: self.now)

    @property
    def open_differences(self):
        return [d for d in self.books.differences.values() if d.state is DifferenceState.OPEN]

    @property
    def findings(self):
        return Counter(finding_of(difference) for difference in self.open_differences)

    def held(self, account):
        """
        Return what *account* holds, where that is not nothing.
        """
        sums = Counter()
        for entry in self.books.booked:
            for line in entry.postings:
                if line.account == account:
                    sums[str(entry.merchant), line.amount.currency] += line.amount.minor_units
        return {key: amount for key, amount in sums.items() if amount}

    async def correct_all(self):
        for difference in self.open_differences:
            await self.resolve(difference)


class InMemoryReconciliation:
    """
    What one transaction can reach.
    """

    def __init__(self, books):
        self.books = books
        self.reports = Reports(books)
        self.rows = Rows(books)
        self.movements = Movements(books)
        self.differences = Differences(books)
        self.windows = Windows(books)
        self.ledger = Ledger(books)


class Ledger:
    def __init__(self, books):
        self.books = books

    async def book(self, entries):
        known = {(entry.cause_id, entry.kind) for entry in self.books.booked}
        assert not known & {(entry.cause_id, entry.kind) for entry in entries}
        self.books.booked += entries


class Reports:
    def __init__(self, books):
        self.books = books

    async def get(self, report):
        if report not in self.books.reports:
            raise SettlementReportNotFound("no such report")
        return self.books.reports[report]

    async def open(self, blank):
        return self.books.reports.get(blank.id, blank)

    async def save(self, report):
        self.books.reports[report.id] = report

    async def counts(self, report):
        counts = defaultdict(Counter)
        for difference in self.books.differences.values():
            if difference.report == report:
                counts[difference.kind][difference.state] += 1
        return counts

    async def first_began_at(self, account):
        return min(r.begins for r in self.books.reports.values() if r.begins)


class Rows:
    def __init__(self, books):
        self.books = books

    async def add(self, account, rows):
        added = 0
        for placed in rows:
            place = (placed.report, placed.position)
            if self.books.rows.setdefault(place, placed) != placed:
                raise RowMismatch("taken")
            added += self.books.rows[place] is placed
        return added

    async def last_id(self, report):
        ids = {pos: placed.row.row_id for (rep, pos), placed in self._of(report)}
        return ids[max(ids)] if ids else ""

    async def undecided(self, report, *, limit):
        found = [
            placed
            for place, placed in self._of(report)
            if place[1] > report.position and place not in self.books.outcomes
        ]
        return sorted(found, key=lambda placed: placed.position)[:limit]

    async def known_among(self, account, rows):
        return {
            self.books.rows[place].row.row_id
            for place, (outcome, _) in self.books.outcomes.items()
            if outcome is not Outcome.REPEATED
        }

    async def decide(self, matches):
        for match in matches:
            paired = match.movement.key if match.movement and match.outcome in PAIRED else None
            place = (match.placed.report, match.placed.position)
            self.books.outcomes[place] = (match.outcome, paired)

    def _of(self, report):
        return [item for item in self.books.rows.items() if item[0][0] == report.id]


class Movements:
    def __init__(self, books):
        self.books = books

    async def about(self, account, rows):
        return self._all()

    async def unsettled(self, report, *, begins, ends, since, limit):
        missing = [
            movement
            for movement, entry, asked_at in self._with_entries()
            if begins <= entry.occurred_at < ends
            and asked_at >= since
            and movement.standing is Standing.UNSETTLED
            and not self._missed(movement)
        ]
        return missing, None

    def _all(self):
        return [movement for movement, _, _ in self._with_entries()]

    def _with_entries(self):
        settled = {paired for _, paired in self.books.outcomes.values() if paired}
        for entry in self.books.booked:
            if entry.kind in (EntryKind.SETTLEMENT, EntryKind.CORRECTION):
                continue
            payment = self.books.payments[entry.payment_id]
            done = payment.transactions[entry.cause_id]
            amount = next(x.amount for x in entry.postings if x.account == "psp_clearing")
            is_wrong = done.has_succeeded and done.moved not in (None, done.amount)
            asked = done.amount
            if entry.kind is EntryKind.REFUND:
                asked = replace(asked, minor_units=-asked.minor_units)
            source = {"REFUND": done.reference, "CHARGEBACK": done.request_id}
            movement = Movement(
                transaction_id=done.id,
                kind=entry.kind,
                payment_id=payment.id,
                merchant=entry.merchant,
                source_id=source.get(done.kind, payment.psp_reference),
                amount=amount,
                asked=asked if is_wrong else None,
            )
            missed = self._missed(movement)
            if movement.key in settled:
                movement = replace(movement, standing=Standing.SETTLED)
            elif missed and missed.state is DifferenceState.CORRECTED:
                movement = replace(movement, standing=Standing.WRITTEN_OFF)
            elif missed and missed.state is DifferenceState.OPEN:
                movement = replace(movement, missed_as=missed.id)
            yield movement, entry, done.requested_at

    def _missed(self, movement):
        for difference in self.books.differences.values():
            is_of = (difference.transaction_id, difference.movement) == movement.key
            if is_of and difference.kind is DifferenceKind.MISSING_THERE:
                return difference
        return None


class Differences:
    def __init__(self, books):
        self.books = books

    async def open(self, difference_id):
        if difference_id not in self.books.differences:
            raise DifferenceNotFound("no such difference")
        return self.books.differences[difference_id]

    async def add(self, account, differences):
        for difference in differences:
            self.books.differences.setdefault(difference.id, difference)

    async def save(self, difference):
        self.books.differences[difference.id] = difference

    async def dismiss(self, ids, *, reason, now):
        for id_ in ids:
            known = self.books.differences[id_]
            if known.state is DifferenceState.OPEN:
                await self.save(known.resolve(reason=reason, dismiss=True, now=now))

    async def missing_here(self, account, *, after, limit):
        found = [
            each
            for each in self.books.differences.values()
            if each.id > after
            and (each.kind, each.state) == (DifferenceKind.MISSING_HERE, DifferenceState.OPEN)
        ]
        return sorted(found, key=lambda each: each.id)[:limit]

    async def count_open(self):
        states = [(each.kind, each.state) for each in self.books.differences.values()]
        return Counter(kind for kind, state in states if state is DifferenceState.OPEN)

    async def page(self, wanted, *, after, limit):
        found = sorted(
            (each.created_at, each.id, each)
            for each in self.books.differences.values()
            if wanted.report in (None, each.report)
            and wanted.kind in (None, each.kind)
            and wanted.state is each.state
            and (after is None or (each.created_at, each.id) > after)
        )
        return [each for _, _, each in found[:limit]]


class Windows:
    def __init__(self, books):
        self.books = books

    async def open(self, account, *, until):
        begins, fetching = self.books.fetched.get(account, (MORNING, None))
        if fetching is None and begins < until:
            fetching = until
            self.books.fetched[account] = (begins, fetching)
        return fetching and Window(account=account, begins=begins, ends=fetching)

    async def close(self, window):
        self.books.fetched[window.account] = (window.ends, None)

    async def claim_due(self, accounts, *, now, until):
        due = [each for each in accounts if self.books.due.get(each, now) <= now]
        if not due:
            return None
        first = min(due, key=lambda each: self.books.due.get(each, MORNING))
        self.books.due[first] = until
        return first

    async def closed_until(self):
        return {account: begins for account, (begins, _) in self.books.fetched.items()}

    async def put_off(self, account, *, until):
        self.books.due[account] = until


class HonestPsp:
    """
    Lists rows by pages of two.

    Attributes:
        asked: Which times it was asked for, and behind which row.
        dies_after: How many pages it gives before the connection breaks; `None`: it does not.
    """

    def __init__(self, rows):
        self.listed = rows
        self.asked = []
        self.dies_after = None

    async def rows(self, account, *, since, until, after):
        self.asked.append((since, until, after))
        left = [row for row in self.listed if since <= row.created_at < until]
        if after:
            left = left[[row.row_id for row in left].index(after) + 1 :]
        for page in range(0, len(left), 2):
            if self.dies_after == page // 2:
                raise TimeoutError
            yield left[page : page + 2]
