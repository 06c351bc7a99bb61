"""The history of orders on PostgreSQL: what it hears, how often, and what it shows."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import first_id_at, new_id
from chassis.saga.store import Bells
from chassis.storage.database import connect
from chassis.wake import Wake
from services.order.adapters.order_history import _PAGE, SqlOrderHistory
from services.order.adapters.unit_of_work import history_of, join_with, sql_unit_of_work
from services.order.application.history.list_order_history import (
    ListOrderHistory,
    list_order_history,
)
from services.order.domain.history.facts import Authorized, Captured, WorkAccepted
from services.order.domain.history.summary import NOBODY, OrderSummary
from services.order.domain.period import FIRST, LAST, Period
from services.order.domain.values import AccountId, OrderId, OrderStatus
from tests.integration.counting import counted
from tests.order_lives import (
    ARRIVED,
    COMPLETED,
    CONFIRMED,
    EAST,
    NOW,
    ORDER,
    PLACED,
    interleaved,
    parcel,
    summary_of,
    tell,
)

SHOP = AccountId("shop-1")


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
def uow(database):
    return sql_unit_of_work(database, join_with(told=Wake(), due=Bells(), clock=system_clock))


@pytest.fixture
def note(database):
    """
    Have events heard, each call in a transaction of its own.
    """

    async def note_together(*told):
        async with database.begin() as tx:
            for each in told:
                # As the handlers of several subjects do within one batch.
                history_of(tx).note([each])

    return note_together


async def found(database, order_id=ORDER):
    async with database.begin() as tx:
        return (await history_of(tx).find([order_id])).get(order_id)


def a_life():
    payment = tell(ORDER, Authorized(), Captured(total=20_00), Captured(total=50_00))
    work = tell(EAST, WorkAccepted(), parcel(3), ARRIVED, parcel(2), ARRIVED)
    return [tell(ORDER, PLACED, CONFIRMED, COMPLETED), payment, work]


def of_order(order_id, told):
    aggregate_id = order_id if told.aggregate_id == ORDER else UUID(int=order_id.int ^ 7)
    return replace(told, order_id=order_id, aggregate_id=aggregate_id)


async def test_what_was_heard_comes_back_as_it_was(database, note):
    told = [each for part in a_life() for each in part]

    for each in told:
        await note(each)

    assert await found(database) == summary_of(*told)


async def test_a_payment_may_be_heard_of_before_its_order(database, note):
    order, payment, _ = a_life()
    await note(*payment)
    assert (await found(database)).promise.account_id == NOBODY

    await note(*order)

    summary = await found(database)
    assert summary.promise.account_id == SHOP
    assert summary.funds.captured == 50_00


async def test_what_is_heard_twice_takes_effect_once(database, note):
    _, _, work = a_life()
    await note(*work)

    await note(*work)
    await note(work[1], *work)

    assert (await found(database)).parcels_dispatched == 2


async def test_three_contexts_may_tell_of_one_order_at_the_same_time(migrated, database):
    # Each replica has connections of its own.
    replicas = [database, connect((await migrated("order")).app, application="other")]
    orders = [OrderId(new_id()) for _ in range(20)]

    async def hear(number, part):
        for each in part:
            batch = [of_order(order_id, each) for order_id in Random(number).sample(orders, 20)]
            async with replicas[number % 2].begin() as tx:
                history_of(tx).note(batch)

    async with asyncio.TaskGroup() as tasks:
        for number, part in enumerate(a_life()):
            tasks.create_task(hear(number, part))
    await replicas[1].close()

    for order_id in orders:
        told = [of_order(order_id, each) for part in a_life() for each in part]
        expected = replace(summary_of(*told), order_id=order_id)
        assert await found(database, order_id) == expected


async def test_a_batch_of_any_size_takes_three_statements(database, note):
    def batch(orders):
        told = interleaved(a_life(), Random(1))
        return [of_order(order_id, each) for order_id in orders for each in told]

    sizes = {}
    for size in (1, 100):
        with counted(database) as statements:
            await note(*batch([OrderId(new_id()) for _ in range(size)]))
        sizes[size] = len(statements)

    assert sizes == {1: 3, 100: 3}


async def test_pages_go_from_new_to_old_and_can_be_narrowed(uow, note):
    times = [NOW + timedelta(milliseconds=number) for number in range(5)]
    orders = [OrderId(first_id_at(time)) for time in times]
    placed, confirmed, completed = a_life()[0]
    for order_id, time in zip(orders, times, strict=True):
        told = replace(placed, at=time), confirmed
        await note(*(of_order(order_id, each) for each in told))
    ended, middle = orders[2], times[2]
    await note(of_order(ended, completed))

    async def listed(**wish):
        query = ListOrderHistory(
            account_id=SHOP, **{"before": None, "statuses": (), "limit": 3} | wish
        )
        page, more = await list_order_history(query, uow=uow)
        return [summary.order_id for summary in page], more

    newest = orders[::-1]
    assert await listed() == (newest[:3], True)
    assert await listed(before=newest[2]) == (newest[3:], False)
    assert await listed(statuses=(OrderStatus.COMPLETED,)) == ([ended], False)
    assert await listed(period=Period(placed_from=middle)) == (newest[:3], False)
    assert await listed(period=Period(placed_before=middle)) == (newest[3:], False)


class Unlocked(SqlOrderHistory):
    """
    Believes that nobody else is at it.
    """

    async def lock(self):
        pass


async def hear(database, history, told):
    async with database.begin() as tx:
        history(tx).note(told)


async def heard_meanwhile(database, history, seconds):
    """
    Have an order heard of while its payment is, and return what the history knows then.
    """
    order, payment, _ = a_life()
    async with database.begin() as tx:
        # It has read, and not written yet.
        await history(tx).lock()
        known = await history(tx).find([ORDER])
        summary = known.get(ORDER, OrderSummary(order_id=ORDER))
        for each in payment:
            summary.hear(each)
        other = asyncio.create_task(hear(database, history, order))
        await asyncio.wait([other], timeout=seconds)
        await history(tx).save([summary])
    await other
    return await found(database)


async def test_nobody_overwrites_what_another_context_told_meanwhile(database):
    summary = await heard_meanwhile(database, SqlOrderHistory, seconds=0.2)

    assert (summary.promise.version, summary.funds.version) == (3, 3)


async def test_without_the_lock_it_would_be_lost(database):
    summary = await heard_meanwhile(database, Unlocked, seconds=None)

    assert (summary.promise.version, summary.funds.version) == (0, 3)


async def test_a_page_is_found_between_two_ids_whatever_the_plan(database):
    numbered = re.sub(r"(?<!:):(\w+)", lambda found: f"${NAMES.index(found[1]) + 1}", _PAGE.text)
    async with database.begin() as tx:
        await tx.run(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await tx.run(
            text(
                f"PREPARE page (text, uuid, uuid, timestamptz, timestamptz, text[], int)"
                f" AS {numbered}"
            )
        )
        plan = await tx.rows(
            text(f"EXPLAIN EXECUTE page ('shop-1', '{FIRST}', '{LAST}', NULL, NULL, '{{}}', 50)")
        )
        await tx.run(text("DEALLOCATE page"))

    (condition,) = [line for (line,) in plan if "Index Cond" in line]
    assert condition.count("order_id") == 2
    assert not any("Sort" in line for (line,) in plan)


NAMES = ("account_id", "first", "end", "placed_from", "placed_before", "statuses", "limit")
