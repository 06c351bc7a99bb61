"""The books agree with a plain model of them: whoever booked what, in whatever order."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.money import Money
from chassis.storage.database import connect
from chassis.wake import Wake
from deploy.local.databases import asyncpg_url
from services.payment.adapters import ledger as adapter
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.ledger.get_account_statement import (
    GetAccountStatement,
    get_account_statement,
)
from services.payment.application.ledger.get_trial_balance import (
    GetTrialBalance,
    get_trial_balance,
)
from services.payment.domain.ledger import Account, JournalEntry
from services.payment.domain.statement import LedgerAccount, Place
from services.payment.domain.values import MerchantId
from tests.integration.payment.books import OCCURRED, entry

HOW = settings(
    max_examples=25,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LANES = 3
MICROSECOND = timedelta(microseconds=1)
MERCHANTS = [MerchantId("north"), MerchantId("south")]
ACCOUNTS = [Account.PSP_CLEARING, Account.SALES, Account.BANK]
EMPTY = """
SET session_replication_role = replica;
TRUNCATE ledger_accounts, ledger_entries, ledger_postings;
"""
BOOKED_AT = text(
    "SELECT DISTINCT cause_id, booked_at FROM ledger_entries JOIN ledger_postings ON entry_id = id"
)
# A planted mistake: what happened when, instead of what was booked when.
BY_OCCURRENCE = text(
    """
    SELECT account, currency, CAST(sum(amount) AS bigint) AS amount
    FROM ledger_postings JOIN ledger_entries ON id = entry_id WHERE occurred_at <= :as_of
    GROUP BY account, currency ORDER BY account, currency
    """
)

entries = st.builds(
    lambda merchant, debit, credit, currency, amount: entry(
        (debit, amount, currency), (credit, -amount, currency), merchant=merchant
    ),
    st.sampled_from(MERCHANTS),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(["EUR", "JPY"]),
    st.integers(1, 10**6) | st.integers(-(10**6), -1),
)


@dataclass(frozen=True)
class Step:
    """
    Attributes:
        lane: In whose transaction.
        then: What becomes of the transaction: it goes on, commits or rolls back.
    """

    lane: int
    entries: list[JournalEntry]
    then: str


steps = st.builds(
    Step,
    lane=st.integers(0, LANES - 1),
    entries=st.lists(entries, min_size=1, max_size=4),
    then=st.sampled_from(["goes on", "commits", "commits", "rolls back"]),
)


@dataclass(frozen=True)
class Ask:
    """
    Attributes:
        moments: The numbers of two moments at which something was booked.
    """

    of: LedgerAccount
    moments: tuple[int, int]
    page_size: int


asks = st.builds(
    Ask,
    of=st.builds(
        LedgerAccount,
        merchant=st.sampled_from(MERCHANTS),
        account=st.sampled_from(ACCOUNTS),
        currency=st.just("EUR"),
    ),
    moments=st.tuples(*[st.integers(0, 20)] * 2),
    page_size=st.integers(1, 4),
)


@dataclass(frozen=True)
class Model:
    """
    Every posting with the moment at which it was booked, and nothing that is kept.
    """

    postings: list[tuple[datetime, MerchantId, Account, Money]]

    @property
    def moments(self):
        return sorted({at for at, *_ in self.postings})

    def held(self, as_of, merchant):
        sums = Counter()
        for at, whose, account, amount in self.postings:
            if at <= as_of and merchant in (None, whose):
                sums[account, amount.currency] += amount.minor_units
        return dict(sums)


class Books:
    """
    The real books, written by several connections, each on a shard of its own.
    """

    def __init__(self, databases, admin):
        self.databases = databases
        self.admin = admin
        self.uow = sql_unit_of_work(databases[0], told=Wake(), clock=system_clock)

    async def play(self, steps):
        """
        Book as *steps* say, and return the model of what has committed.
        """
        await self.admin.execute(EMPTY)
        committed = []
        opened = {}
        for step in [*steps, *(Step(lane, [], "commits") for lane in range(LANES))]:
            if step.lane not in opened:
                stack = AsyncExitStack()
                tx = await stack.enter_async_context(self.databases[step.lane].begin())
                opened[step.lane] = (stack, tx, [])
            stack, tx, booked = opened[step.lane]
            await adapter.SqlLedger(tx).book(step.entries)
            await tx.flush()
            booked += step.entries
            if step.then == "commits":
                await stack.aclose()
                committed += booked
            elif step.then == "rolls back":
                await stack.__aexit__(RuntimeError, RuntimeError(), None)
            if step.then != "goes on":
                del opened[step.lane]
        async with self.databases[0].begin() as tx:
            moments = {row.cause_id: row.booked_at for row in await tx.rows(BOOKED_AT)}
        assert set(moments) == {each.cause_id for each in committed}
        return Model(
            [
                (moments[each.cause_id], each.merchant, posting.account, posting.amount)
                for each in committed
                for posting in each.postings
            ]
        )

    async def held(self, as_of, merchant):
        query = GetTrialBalance(as_of=as_of, merchant=merchant)
        trial = await get_trial_balance(query, uow=self.uow)
        return {
            (each.account, each.amount.currency): each.amount.minor_units for each in trial.balances
        }

    async def lines(self, of, *, after, until, size):
        """
        Return all lines of a statement, and with what it opens and closes.
        """
        query = GetAccountStatement(of=of, after=Place.end_of(after), until=until, page_size=size)
        pages = [await get_account_statement(query, uow=self.uow)]
        while pages[-1].next:
            query = replace(query, after=pages[-1].next)
            pages.append(await get_account_statement(query, uow=self.uow))
            assert pages[-1].opening == pages[-2].closing
        lines = [line for page in pages for line in page.lines]
        assert all(len(page.lines) == size for page in pages[:-1])
        return pages[0].opening, lines, pages[-1].closing


@pytest.fixture
async def books(database_of, migrated):
    await database_of("payment")  # empties it
    urls = await migrated("payment")
    databases, shards = [], set()
    for number in count():
        database = connect(urls.app, application=f"lane-{number}", pool_size=1)
        async with database.begin() as tx:
            ((shard,),) = await tx.rows(text("SELECT pg_backend_pid() % 16"))
        if shard in shards:
            await database.close()
        else:
            shards.add(shard)
            databases.append(database)
        if len(databases) == LANES:
            break
    admin = await asyncpg.connect(asyncpg_url(urls.admin))
    yield Books(databases, admin)
    await admin.close()
    for database in databases:
        await database.close()


def each_example(check):
    """
    Return a test that has hypothesis make up bookings, and *check* look at them.
    """

    async def run(books):
        loop = asyncio.get_running_loop()

        @HOW
        @given(st.lists(steps, min_size=1, max_size=10), st.lists(asks, min_size=5, max_size=5))
        def example(played, asked):
            running = asyncio.run_coroutine_threadsafe(check(books, played, asked), loop)
            running.result(timeout=60)

        await asyncio.to_thread(example)

    return run


@each_example
async def balances_as_of_any_time(books, played, _asked):
    model = await books.play(played)
    for moment in model.moments:
        for as_of in (moment - MICROSECOND, moment):
            assert await books.held(as_of, None) == model.held(as_of, None)
    for merchant in MERCHANTS:
        as_of = model.moments[len(model.moments) // 2] if model.moments else OCCURRED
        assert await books.held(as_of, merchant) == model.held(as_of, merchant)


async def check_statement(books, model, of, *, after, until, size):
    opening, lines, closing = await books.lines(of, after=after, until=until, size=size)
    key = (of.account, of.currency)
    assert opening.minor_units == model.held(after, of.merchant).get(key, 0)
    assert closing.minor_units == model.held(until, of.merchant).get(key, 0)
    balance = opening
    for line in lines:
        balance += line.posting.amount
        assert line.balance == balance
    places = [line.posting.place for line in lines]
    assert places == sorted(set(places))
    listed = Counter((each.posting.place.booked_at, each.posting.amount) for each in lines)
    assert listed == Counter(
        (at, amount)
        for at, merchant, account, amount in model.postings
        if after < at <= until
        and (merchant, account, amount.currency) == (of.merchant, of.account, of.currency)
    )


@each_example
async def statements_of_any_time(books, played, asked):
    model = await books.play(played)
    moments = [OCCURRED, *model.moments]
    for each in asked:
        after, until = sorted(moments[number % len(moments)] for number in each.moments)
        await check_statement(books, model, each.of, after=after, until=until, size=each.page_size)


async def test_balances_agree_with_the_model_as_of_any_time(books):
    await balances_as_of_any_time(books)


async def test_statements_agree_with_the_model_in_pages_of_any_size(books):
    await statements_of_any_time(books)


async def test_the_model_sees_balances_by_what_happened_when(books, monkeypatch):
    monkeypatch.setattr(adapter, "_ALL_BALANCES", BY_OCCURRENCE)

    with pytest.raises(AssertionError):
        await balances_as_of_any_time(books)
