"""
What reading the books costs with few entries in them and with many, and how many are booked a
second beside pgbench writing the same rows with nobody to reckon or to check.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import count as numbers
from statistics import median

import asyncpg

from chassis.kernel.clock import system_clock
from chassis.storage.database import connect
from chassis.wake import Wake
from deploy.local.databases import ServiceDatabase, asyncpg_url
from deploy.local.payment_bench.bookkeeping import (
    BARE_ROWS,
    BARE_TABLES,
    BOOK,
    empty_books,
    fill,
)
from deploy.local.pgbench import transactions_a_second
from deploy.local.progress import Tell
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.ledger.get_account_statement import (
    GetAccountStatement,
    get_account_statement,
)
from services.payment.application.ledger.get_trial_balance import (
    GetTrialBalance,
    get_trial_balance,
)
from services.payment.application.ports import UnitOfWork
from services.payment.domain.ledger import Account
from services.payment.domain.statement import LedgerAccount, Place
from services.payment.domain.values import MAIN_MERCHANT

# For each entry in the smaller books, how many are in the larger ones.
TIMES_AS_MANY = 1_000
PAGE = 100
# With a whole page after their middle.
FEWEST = 4 * PAGE
READS = 50
WARM_READS = 10

_MIDDLE = """
SELECT to_timestamp((extract(epoch FROM min(booked_at)) + extract(epoch FROM max(booked_at))) / 2)
FROM ledger_postings
"""
_OF = LedgerAccount(merchant=MAIN_MERCHANT, account=Account.PSP_CLEARING, currency="EUR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """
    How long reading takes, in milliseconds: medians.

    Attributes:
        few: In the smaller books.
        many: In the larger ones.
    """

    few: float
    many: float

    @property
    def ratio(self) -> float:
        return round(self.many / self.few, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """
    Entries a second: medians.

    Attributes:
        rows: The same rows, written into tables without triggers.
    """

    ours: float
    rows: float

    @property
    def ratio(self) -> float:
        return round(self.ours / self.rows, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """
    Attributes:
        batch: Entries a transaction.
        clients: Who book at once.
    """

    batch: int
    clients: int

    def __str__(self) -> str:
        return f"{self.batch} a transaction, {self.clients} at once"


LOADS = (Loading(batch=1, clients=16), Loading(batch=100, clients=2))


async def measure_booking(
    *, rounds: int, seconds: float, loads: Sequence[Loading], tell: Tell
) -> Mapping[str, Booked]:
    """
    Measure how many captures a second are booked, in turns with their bare rows.
    """
    results: dict[str, Booked] = {}
    async with empty_books() as database:
        owner = await asyncpg.connect(asyncpg_url(database.owner))
        await owner.execute(BARE_TABLES)
        await owner.close()
        for load in loads:
            tell(len(results), f"booking, {load}")
            both = {"ours": (database.app, BOOK), "rows": (database.owner, BARE_ROWS)}
            found: dict[str, list[float]] = {name: [] for name in both}
            for _ in range(rounds):
                for name, (url, statement) in both.items():
                    rate = await transactions_a_second(
                        asyncpg_url(url),
                        statement.format(count=load.batch),
                        clients=load.clients,
                        seconds=seconds,
                    )
                    found[name].append(rate * load.batch)
            results[str(load)] = Booked(**{name: round(median(found[name]), 1) for name in found})
    return results


async def measure_reading(entries: int, *, rounds: int, tell: Tell) -> Mapping[str, Read]:
    """
    Measure reading, in turns, in books of so many *entries* and in books of a thousandth of them.
    """
    times: dict[str, dict[int, list[float]]] = {}
    async with AsyncExitStack() as stack:
        readers: dict[int, Mapping[str, Callable[[], Awaitable[object]]]] = {}
        for kept in (max(entries // TIMES_AS_MANY, FEWEST), entries):
            database = await stack.enter_async_context(empty_books())
            await fill(database, kept, tell)
            readers[kept] = await _reads(database, stack)
        for number in numbers():
            tell(0, f"reading, round {number + 1}")
            for name in next(iter(readers.values())):
                for kept, reads in readers.items():
                    took = await _milliseconds(reads[name], READS if number else WARM_READS)
                    if number:
                        times.setdefault(name, {}).setdefault(kept, []).append(took)
            if number == rounds:
                break
    return {
        name: Read(
            **{
                size: round(median(found), 2)
                for size, found in zip(("few", "many"), by_kept.values(), strict=True)
            }
        )
        for name, by_kept in times.items()
    }


async def _reads(
    database: ServiceDatabase, stack: AsyncExitStack
) -> Mapping[str, Callable[[], Awaitable[object]]]:
    """
    Return what is read, by name.
    """
    admin = await asyncpg.connect(asyncpg_url(database.admin))
    middle: datetime = await admin.fetchval(_MIDDLE)
    await admin.close()
    opened = connect(database.app, application="bench")
    stack.push_async_callback(opened.close)
    uow = sql_unit_of_work(opened, told=Wake(), clock=system_clock)
    beginning = Place.end_of(datetime(2000, 1, 1, tzinfo=middle.tzinfo))
    return {
        "trial balance, now": lambda: get_trial_balance(GetTrialBalance(), uow=uow),
        "trial balance, in the middle": lambda: get_trial_balance(
            GetTrialBalance(as_of=middle), uow=uow
        ),
        "first page of a statement": lambda: _page(uow, beginning),
        "page in the middle": lambda: _page(uow, Place.end_of(middle)),
    }


async def _page(uow: UnitOfWork, after: Place) -> object:
    query = GetAccountStatement(of=_OF, after=after, until=None, page_size=PAGE)
    return await get_account_statement(query, uow=uow)


async def _milliseconds(read: Callable[[], Awaitable[object]], reads: int) -> float:
    took: list[float] = []
    for _ in range(reads):
        began = time.perf_counter()
        await read()
        took.append(1_000 * (time.perf_counter() - began))
    return median(took)
