import asyncio
import itertools
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text

from chassis.kernel.ids import new_id
from services.payment.adapters import ledger as adapter
from services.payment.application.ledger.get_account_statement import StatementEndsBeforeItBegins
from services.payment.application.ledger.times import AsOfInFuture
from services.payment.domain.ledger import Account
from services.payment.domain.statement import Place
from tests.integration.payment.books import book, held, moved, page

SALES, CLEARING, BANK = Account.SALES, Account.PSP_CLEARING, Account.BANK
MICROSECOND = timedelta(microseconds=1)
MOMENTS = text("SELECT DISTINCT booked_at FROM ledger_postings ORDER BY booked_at")
NOW = text("SELECT clock_timestamp() AS now")
SHARD = text("SELECT pg_backend_pid() % 16 AS shard")
# Nobody waits for anybody.
WITHOUT_WAITING = text("SELECT clock_timestamp() AS moment")

BOOKED_AHEAD = text(
    """
    WITH entry AS (
        INSERT INTO ledger_entries (id, occurred_at, kind, merchant, cause_id)
        VALUES (:id, now(), 'CAPTURE', 'main', :id)
    )
    INSERT INTO ledger_postings
    SELECT :id, line, 'main', account, 'EUR', :shard, now() + interval '1 hour', amount, amount
    FROM (VALUES (1, 'psp_clearing', 5), (2, 'sales', -5)) AS lines (line, account, amount)
    RETURNING booked_at
    """
)


async def test_the_balance_as_of_a_moment_counts_what_was_booked_up_to_then(payments):
    for amount in (1, 20, 300):
        await book(payments, moved(amount, CLEARING, SALES))
    first, second, third = [row.booked_at for row in await payments.rows(MOMENTS)]

    assert await held(payments, as_of=first - MICROSECOND) == ({}, first - MICROSECOND)
    assert await held(payments, as_of=first) == ({CLEARING: 1, SALES: -1}, first)
    assert await held(payments, as_of=third - MICROSECOND) == (
        {CLEARING: 21, SALES: -21},
        third - MICROSECOND,
    )
    now, as_of = await held(payments)
    assert now == {CLEARING: 321, SALES: -321}
    assert as_of >= third > second


async def test_what_is_booked_together_is_booked_at_one_moment(payments):
    await book(payments, moved(1, CLEARING, SALES), moved(20, CLEARING, SALES))

    (moment,) = [row.booked_at for row in await payments.rows(MOMENTS)]

    assert await held(payments, as_of=moment) == ({CLEARING: 21, SALES: -21}, moment)


async def test_later_bookings_are_later_though_the_clock_was_ahead(payments, owner):
    async with payments.database.begin() as tx:
        (row,) = await tx.rows(SHARD)
        async with owner.begin() as ahead:
            future, _ = await ahead.rows(BOOKED_AHEAD, {"shard": row.shard, "id": new_id()})
        await adapter.SqlLedger(tx).book([moved(20, CLEARING, SALES)])

    posted = await payments.rows(
        text("SELECT booked_at, balance FROM ledger_postings WHERE amount = 20")
    )

    assert [tuple(each) for each in posted] == [(future.booked_at + MICROSECOND, 25)]


async def answers_before_and_after(payments):
    """
    Return what the books hold as of one moment: asked while somebody is booking at an earlier
    one, and asked when that is done.
    """
    async with payments.database.begin() as slow:
        await adapter.SqlLedger(slow).book([moved(1_00, CLEARING, SALES)])
        await slow.flush()
        (row,) = await payments.rows(NOW)
        asking = asyncio.create_task(held(payments, as_of=row.now))
        # Either it has its answer by now, or it waits for the booking.
        await asyncio.wait([asking], timeout=0.5)
    before, _ = await asking
    after, _ = await held(payments, as_of=row.now)
    return before, after


async def test_an_answer_never_changes_as_it_waits_for_who_is_booking(payments):
    before, after = await answers_before_and_after(payments)

    assert before == after == {CLEARING: 1_00, SALES: -1_00}


async def test_an_answer_that_does_not_wait_changes(payments, monkeypatch):
    monkeypatch.setattr(adapter, "_CLOSED_UNTIL", WITHOUT_WAITING)

    before, after = await answers_before_and_after(payments)

    assert before != after


async def test_who_waits_for_a_booking_is_in_nobodys_way(payments):
    async with payments.database.begin() as slow:
        await adapter.SqlLedger(slow).book([moved(1_00, CLEARING, SALES)])
        (slow_shard,) = [row.shard for row in await slow.rows(SHARD)]
        asking = asyncio.create_task(held(payments))
        await asyncio.wait([asking], timeout=0.3)
        async with AsyncExitStack() as opened:
            shard = slow_shard
            while shard == slow_shard:  # several at once: each has a connection, and so a shard
                tx = await opened.enter_async_context(payments.database.begin())
                (shard,) = [row.shard for row in await tx.rows(SHARD)]
            await adapter.SqlLedger(tx).book([moved(20, CLEARING, SALES)])
        assert not asking.done()
    balances, _ = await asking
    assert balances[CLEARING] >= 1_00


async def test_nobody_learns_what_the_future_brings(payments):
    _, now = await held(payments)

    with pytest.raises(AsOfInFuture) as refused:
        await held(payments, as_of=now + timedelta(hours=1))
    assert refused.value.field == "as_of"

    with pytest.raises(AsOfInFuture) as refused:
        await page(payments, SALES, until=now + timedelta(hours=1))
    assert refused.value.field == "to_time"


async def test_a_statement_opens_lists_and_closes(payments):
    for amount in (1, 20, 300):
        await book(payments, moved(amount, CLEARING, SALES), moved(amount, BANK, CLEARING))
    first, _, third = [row.booked_at for row in await payments.rows(MOMENTS)]

    whole = await page(payments, CLEARING)
    middle = await page(payments, CLEARING, after=Place.end_of(first), until=third - MICROSECOND)

    assert [line.posting.amount.minor_units for line in whole.lines] == [1, -1, 20, -20, 300, -300]
    assert [line.balance.minor_units for line in whole.lines] == [1, 0, 20, 0, 300, 0]
    assert (whole.opening.minor_units, whole.closing.minor_units, whole.next) == (0, 0, None)
    assert [line.posting.amount.minor_units for line in middle.lines] == [20, -20]


async def test_the_statement_of_an_account_that_nobody_has_used_is_empty(payments):
    statement = await page(payments, BANK)

    assert (statement.opening.minor_units, statement.lines, statement.closing.minor_units) == (
        0,
        (),
        0,
    )


async def test_a_statement_does_not_end_before_it_begins(payments):
    _, now = await held(payments)

    with pytest.raises(StatementEndsBeforeItBegins):
        await page(payments, SALES, after=Place.end_of(now), until=now - MICROSECOND)


async def test_pages_fit_together_while_bookings_go_on(payments):
    for _ in range(5):
        await book(payments, *(moved(amount, CLEARING, SALES) for amount in range(1, 8)))

    async def keep_booking():
        while True:
            await book(payments, moved(1_000, CLEARING, SALES))

    going_on = [asyncio.create_task(keep_booking()) for _ in range(3)]
    try:
        pages = [await page(payments, CLEARING, size=3)]
        while pages[-1].next:
            pages.append(
                await page(payments, CLEARING, after=pages[-1].next, until=pages[0].until, size=3)
            )
        balances, _ = await held(payments, as_of=pages[0].until)
    finally:
        for task in going_on:
            task.cancel()
        await asyncio.gather(*going_on, return_exceptions=True)

    for earlier, later in itertools.pairwise(pages):
        assert later.opening == earlier.closing
    amounts = [line.posting.amount.minor_units for each in pages for line in each.lines]
    assert sum(amounts) == pages[-1].closing.minor_units == balances[CLEARING]
    assert amounts[:7] == list(range(1, 8))
