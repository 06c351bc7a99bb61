"""Sagas in PostgreSQL; and in the memory of the saga bench, which must keep them the same way."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.errors import DomainError
from chassis.saga.standing import StandingQuery
from chassis.saga.steps import Move
from chassis.saga.store import Bells
from chassis.wake import Wake
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.order_saga import OrderSaga
from services.order.application.sagas.compensate_sagas import CompensateSagas, compensate_sagas
from services.order.application.sagas.list_sagas import ListSagas, list_sagas
from services.order.application.sagas.retry_sagas import RetrySagas, retry_sagas
from tests.integration.counting import counted
from tests.simulation.memory import Memory, MemoryTransaction
from tests.simulation.world import an_order

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = timedelta(seconds=15)
A, B, C = (UUID(int=number) for number in (1, 2, 3))


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
def uow(database):
    return sql_unit_of_work(database, join_with(told=Wake(), due=Bells(), clock=system_clock))


@pytest.fixture(params=["in PostgreSQL", "in memory"])
def begin(request, uow):
    memory = Memory()

    @asynccontextmanager
    async def in_memory():
        tx = MemoryTransaction(memory)
        yield tx
        tx.commit()

    return uow if request.param == "in PostgreSQL" else in_memory


async def start(begin, *ids, now=NOW):
    async with begin() as tx:
        await tx.sagas.start("first", dict.fromkeys(ids, ""), now=now)


async def claim(begin, *, now=NOW, by=""):
    async with begin() as tx:
        return await tx.sagas.claim("first", limit=10, lease=LEASE, now=now, by=by)


async def move(begin, *, now, id_=A, **changes):
    step = {"step": "first", "due_at": now, **changes}
    async with begin() as tx:
        await tx.sagas.move([Move(id=id_, **step)], now=now)


async def standing(begin, id_=A):
    async with begin() as tx:
        return (await tx.sagas.find([id_])).get(id_)


async def ours(begin, claims, step="first"):
    async with begin() as tx:
        return await tx.sagas.still_ours(step, claims)


async def test_what_is_claimed_is_nobody_elses_until_its_lease_ends(begin):
    await start(begin, A, B)

    assert {claim.id for claim in await claim(begin)} == {A, B}
    assert await claim(begin, now=NOW + LEASE - timedelta(seconds=1)) == []
    assert len(await claim(begin, now=NOW + LEASE)) == 2


async def test_a_claim_is_good_until_a_later_one_a_wake_up_or_another_step(begin):
    await start(begin, A)
    claims = await claim(begin)
    assert await ours(begin, claims) == {A}

    later = await claim(begin, now=NOW + LEASE)
    assert await ours(begin, claims) == set()
    assert await ours(begin, later) == {A}

    await move(begin, now=NOW, step="second")
    assert await ours(begin, later) == set()
    assert await ours(begin, later, step="second") == {A}

    async with begin() as tx:
        await tx.sagas.wake([A], now=NOW)
    assert await ours(begin, later, step="second") == set()


async def test_since_is_kept_while_a_step_is_retried_and_new_where_it_waits_for_another(begin):
    hours = [NOW + timedelta(hours=number) for number in range(5)]
    await start(begin, A)

    await move(begin, now=hours[1], attempts=1, last_error="away")
    assert (await standing(begin)).since == NOW
    await move(begin, now=hours[2], step="second", waits_for="provider")
    await move(begin, now=hours[3], step="second", waits_for="provider")
    assert (await standing(begin)).since == hours[2]
    await move(begin, now=hours[4], step="second", waits_for="a person: CAPTURE_DECLINED")
    assert (await standing(begin)).since == hours[4]
    assert (await standing(begin)).began_at == NOW


async def test_a_process_takes_back_what_its_name_has_under_a_lease_and_no_more(begin):
    await start(begin, A, B, C)
    claims = await claim(begin, by="order-1")
    # B goes on at once, and stays with it; C waits for somebody.
    await move(begin, now=NOW, id_=B, due_at=NOW + LEASE, leased=True)
    await move(begin, now=NOW, id_=C, due_at=NOW + timedelta(days=7), waits_for="provider")

    async with begin() as tx:
        assert await tx.sagas.take_back("order-2", now=NOW) == 0
        assert await tx.sagas.take_back("order-1", now=NOW) == 2

    assert await ours(begin, claims) == {C}
    assert {claim.id for claim in await claim(begin, by="order-2")} == {A, B}


async def test_names_are_taken_by_the_letter(begin):
    await start(begin, A, B, C)
    await move(begin, now=NOW, id_=A, waits_for="100% of_it\\")
    await move(begin, now=NOW, id_=B, waits_for="100 of it")
    for wanted, found in (("100%", [A]), ("100% of_", [A]), ("100_", []), ("1", [A, B])):
        async with begin() as tx:
            page = await tx.sagas.page(StandingQuery(limit=10, waits_for=wanted))
        assert [standing.id for standing in page] == found


async def test_those_that_have_stood_longest_are_listed_first(begin):
    hours = [NOW + timedelta(hours=number) for number in range(3)]
    await start(begin, C, now=hours[0])
    await start(begin, A, B, now=hours[1])
    await move(begin, now=hours[2], id_=B, waits_for="a person: X")

    async def page(**wanted):
        async with begin() as tx:
            return [s.id for s in await tx.sagas.page(StandingQuery(limit=10, **wanted))]

    assert await page() == [C, A, B]
    assert await page(after=(hours[0], C)) == [A, B]
    assert await page(before=hours[0]) == [C]
    assert await page(waits_for="a per") == [B]
    assert await page(stuck=True) == [B]
    assert await page(step="second") == []


def steps():
    return OrderSaga(inventory=None, payments=None, fulfillment=None, clock=system_clock).steps()


async def orders_of(uow, count):
    orders = [an_order(number, units=2, now=NOW) for number in range(1, count + 1)]
    async with uow() as tx:
        await tx.orders.save(orders)
        await tx.sagas.start("reserve_stock", {order.id: "" for order in orders}, now=NOW)
    return [order.id for order in orders]


async def test_pages_of_sagas_follow_each_other_without_a_gap(uow):
    ids = await orders_of(uow, 7)

    seen, after = [], None
    while True:
        query = ListSagas(after=after, step="", waits_for="", least_seconds=0, stuck=False, limit=3)
        page, more = await list_sagas(query, uow=uow, steps=steps(), clock=system_clock)
        seen += [saga.order_id for saga in page]
        if not more:
            break
        after = (page[-1].standing.since, page[-1].order_id)

    assert seen == ids


async def test_an_action_makes_a_claim_void_and_stands_on_the_timeline(uow):
    (id_,) = await orders_of(uow, 1)
    async with uow() as tx:
        claims = await tx.sagas.claim("reserve_stock", limit=1, lease=LEASE, now=NOW)

    command = RetrySagas(ids=(id_,), actor="ada", reason="no patience")
    (saga,) = await retry_sagas(command, uow=uow, steps=steps(), clock=system_clock)

    assert saga.standing.step == "reserve_stock"
    async with uow() as tx:
        assert await tx.sagas.still_ours("reserve_stock", claims) == set()
        timeline = [traced.entry for traced in await tx.orders.timeline(id_)]
    assert (timeline[-1].what, timeline[-1].cause) == ("step retried: no patience", "ada")


async def test_any_number_of_orders_take_the_same_number_of_statements(uow, database):
    ids = await orders_of(uow, 50)

    async def compensate(some):
        command = CompensateSagas(ids=tuple(some), actor="ada", reason="a test")
        with counted(database) as statements:
            answers = await compensate_sagas(command, uow=uow, steps=steps(), clock=system_clock)
        assert not any(isinstance(answer, DomainError) for answer in answers)
        return len(statements)

    assert await compensate(ids[:1]) == await compensate(ids[1:])


async def test_a_page_of_very_many_sagas_reads_no_more_than_a_page(database, uow):
    async with database.begin() as tx:
        await tx.run(
            text(
                """
                INSERT INTO sagas (id, step, due_at, began_at, since, waits_for)
                SELECT gen_random_uuid(), 'follow_fulfillment', now(), now(),
                    now() - number * interval '1 second', 'provider'
                FROM generate_series(1, 20000) AS number
                """
            )
        )

    async def rows_read():
        async with uow() as tx:
            await tx.sagas.page(StandingQuery(limit=101))
        async with database.begin() as tx:
            await tx.run(text("SELECT pg_stat_force_next_flush()"))
        async with database.begin() as tx:
            sql = "SELECT idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'sagas'"
            ((count,),) = await tx.rows(text(sql))
        return count

    before = await rows_read()
    # So often, as a statement is planned anew for whatever values after some times.
    for _ in range(9):
        after = await rows_read()

    assert 0 < after - before < 9 * 500
