"""Returns in PostgreSQL, and their sagas under the real runner."""

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.saga.runner import SagaRunner
from chassis.saga.store import Bells
from chassis.wake import Wake
from services.order.adapters.return_transaction import ReturnTransaction, return_unit_of_work
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.returns.note_returns import NoteReturn, note_returns
from services.order.application.returns.place_replacements import place_replacements
from services.order.application.returns.return_saga import ReturnSaga
from services.order.application.sagas.list_sagas import ListSagas, list_sagas
from services.order.application.sagas.retry_sagas import RetrySagas, retry_sagas
from services.order.domain.order_return import (
    RefundShipping,
    Resolution,
    ReturnedGoods,
    ReturnKind,
)
from services.order.domain.values import Goods, LocationId, OrderStatus, ReturnId, ShipmentId
from tests.integration.counting import counted
from tests.integration.order.test_orders import MAIN, NOW, an_order

LAMP = Sku("LAMP")


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
def join():
    return join_with(told=Wake(), due=Bells(), clock=system_clock)


@pytest.fixture
def uow(database, join):
    return sql_unit_of_work(database, join)


async def delivered(uow, count=1):
    """
    Return *count* orders for three lamps, 30.00 EUR and 5.00 shipping, that are completed.
    """
    orders = [an_order() for _ in range(count)]
    for order in orders:
        parcel = ShipmentId(new_id())
        order.authorize(NOW)
        order.confirm(NOW)
        goods = (Goods(sku=LAMP, units=3),)
        order.dispatch(parcel, location_id=MAIN, goods=goods, at=NOW, now=NOW)
        order.capture([parcel], NOW)
        order.deliver(parcel, at=NOW, now=NOW)
        order.complete(NOW)
    async with uow() as tx:
        await tx.orders.save(orders)
    return orders


async def note(uow, *notes):
    async with uow() as tx:
        await note_returns(notes, tx=tx, clock=system_clock)


def lamps_back(order, units=1, *, resolution="REFUND"):
    goods = ReturnedGoods(sku=LAMP, sellable=units, damaged=0, accepted=units, reason="DAMAGED")
    return NoteReturn(
        return_id=ReturnId(new_id()),
        order_id=order.id,
        kind=ReturnKind.RETURN,
        resolution=Resolution(resolution),
        location_id=LocationId("main"),
        goods=(goods,),
    )


async def found(uow, order):
    async with uow() as tx:
        return (await tx.orders.find([order.id]))[order.id]


class Others:
    """
    The other services: they know what they were asked under which id.
    """

    def __init__(self):
        self.restocked = set()
        self.refunded = {}
        self.closed = set()

    async def restock(self, cases):
        self.restocked |= {case.return_id for case in cases}
        return [None] * len(cases)

    async def refund(self, cases):
        for case in cases:
            amount = case.taken.refund.value.minor_units
            assert self.refunded.setdefault(case.return_id, amount) == amount
        return [None] * len(cases)

    async def close(self, cases):
        self.closed |= {case.return_id for case in cases}
        return [None] * len(cases)


def steps_of(others, uow):
    return ReturnSaga(
        restocking=others,
        refunds=others,
        desk=others,
        uow=uow,
        clock=system_clock,
        refund_shipping=RefundShipping.FAULT,
    ).steps()


async def run_until_none_is_left(uow, steps, *, begin=None):
    runner = SagaRunner(
        name="return",
        begin=begin or return_unit_of_work(uow),
        steps=steps,
        bells=Bells(),
        clock=system_clock,
    )
    task = asyncio.create_task(runner.run())
    try:
        async with asyncio.timeout(60):
            while await standing(uow, steps):
                await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def standing(uow, steps, **wanted):
    query = ListSagas(
        after=None,
        **{"step": "", "waits_for": "", "least_seconds": 0, "stuck": False, "limit": 100, **wanted},
    )
    page, _ = await list_sagas(query, uow=uow, steps=steps, clock=system_clock)
    return page


async def test_a_return_comes_back_as_it_was_saved(uow):
    (order,) = await delivered(uow)
    wanted = lamps_back(order, 2)
    await note(uow, wanted)
    order = await found(uow, order)
    order.decide_refund(wanted.return_id, RefundShipping.FAULT, NOW)
    order.replace(wanted.return_id, order.id, NOW)
    order.settle_return(wanted.return_id, NOW)
    async with uow() as tx:
        await tx.orders.save([order])

    saved = await found(uow, order)

    before, after = order.returns[wanted.return_id], saved.returns[wanted.return_id]
    for name in before.__dataclass_fields__:
        assert getattr(after, name) == getattr(before, name), name
    assert saved.fulfillment_status == order.fulfillment_status


async def test_a_lost_parcel_and_a_replacement_come_back_as_they_were(uow):
    (order,) = await delivered(uow)
    (parcel,) = order.shipments.values()
    parcel.delivered_at, parcel.lost_at = None, datetime(2026, 1, 5, tzinfo=UTC)
    order.for_return_id = ReturnId(new_id())
    async with uow() as tx:
        await tx.orders.save([order])
    assert (await found(uow, order)).shipments[parcel.id].lost_at == parcel.lost_at
    wanted = lamps_back(order, resolution="REPLACEMENT")
    await note(uow, wanted)

    placed = await place(uow, wanted)

    replacement = await found(uow, placed)
    assert replacement.for_return_id == wanted.return_id
    assert replacement.is_free
    assert replacement.status is OrderStatus.PENDING
    assert (await found(uow, order)).returns[wanted.return_id].replacement_id == replacement.id


async def place(uow, wanted):
    async with uow() as tx:
        cases = await tx.returns.find([wanted.return_id])
    placed = await place_replacements([*cases.values()], uow=uow, clock=system_clock)
    return placed[wanted.return_id]


async def test_of_many_who_replace_at_once_one_places_an_order(uow, database):
    (order,) = await delivered(uow)
    wanted = lamps_back(order, resolution="REPLACEMENT")
    await note(uow, wanted)

    answers = await asyncio.gather(*(place(uow, wanted) for _ in range(5)), return_exceptions=True)

    assert (await place(uow, wanted)).for_return_id == wanted.return_id
    assert any(not isinstance(answer, Exception) for answer in answers)
    async with database.begin() as tx:
        query = "SELECT count(*) AS orders FROM orders WHERE for_return_id = :id"
        (row,) = await tx.rows(text(query), {"id": wanted.return_id})
        request = uuid5(UUID(str(wanted.return_id)), "replacement")
        query = "SELECT outcome_id FROM idempotency WHERE request_id = :id"
        (answered,) = await tx.rows(text(query), {"id": request})
    assert row.orders == 1
    assert answered.outcome_id == (await place(uow, wanted)).id


async def test_what_comes_back_of_a_replacement_is_noted_of_the_order_that_was_paid(uow):
    (order,) = await delivered(uow)
    wanted = lamps_back(order, 2, resolution="REPLACEMENT")
    await note(uow, wanted)
    replacement = await place(uow, wanted)
    again = lamps_back(replacement)

    await note(uow, again, lamps_back(order))

    order = await found(uow, order)
    assert order.returns[again.return_id].units == {1: 1}
    assert order.returns[wanted.return_id].units == {1: 1}
    assert order.units_returned == 3


async def test_returns_of_one_order_at_once_pay_back_what_was_charged(uow):
    (order,) = await delivered(uow)
    others = Others()
    steps = steps_of(others, uow)
    notes = [lamps_back(order) for _ in range(3)]
    await note(uow, *notes)
    # Told again, in another transaction.
    await note(uow, *notes)
    assert len(await standing(uow, steps)) == 3

    await run_until_none_is_left(uow, steps)

    ids = {each.return_id for each in notes}
    assert others.restocked == set(others.refunded) == others.closed == ids
    assert sum(others.refunded.values()) == 35_00
    order = await found(uow, order)
    assert all(taken.is_settled for taken in order.returns.values())
    paid = sum(taken.refund.value.minor_units for taken in order.returns.values())
    assert paid == 35_00


class Careless(ReturnTransaction):
    """
    The mistake: returns of one order are saved each as it read the order.
    """

    async def save_subjects(self, subjects):
        await self._tx.orders.save([case.order for case in subjects])


async def test_returns_that_are_saved_each_for_itself_pay_back_too_much(uow):
    (order,) = await delivered(uow)
    others = Others()
    steps = steps_of(others, uow)
    await note(uow, *(lamps_back(order) for _ in range(3)))

    @asynccontextmanager
    async def begin():
        async with uow() as tx:
            yield Careless(tx)

    runner = SagaRunner(name="return", begin=begin, steps=steps, bells=Bells(), clock=system_clock)
    await runner.run_once(steps[0])

    # What two of them decided is lost, and nobody would know of it.
    saved = (await found(uow, order)).returns.values()
    assert sum(taken.refund is not None for taken in saved) == 1


async def test_any_number_of_returns_takes_the_same_number_of_statements(uow, database):
    counts = []
    for number in (1, 20):
        orders = await delivered(uow, number)
        with counted(database) as statements:
            await note(uow, *(lamps_back(order) for order in orders))
        counts.append(len(statements))

    assert counts[0] == counts[1]


async def test_an_order_without_returns_is_read_without_asking_for_them(uow, database):
    (order,) = await delivered(uow)

    with counted(database) as statements:
        await found(uow, order)

    assert not [statement for statement in statements if "order_returns" in statement]


async def test_stories_of_returns_are_listed_and_retried_beside_those_of_orders(uow):
    (order,) = await delivered(uow)
    wanted = lamps_back(order)
    await note(uow, wanted)
    steps = steps_of(Others(), uow)

    (listed,) = await standing(uow, steps, step="restock_goods")
    assert (listed.order_id, listed.return_id) == (order.id, wanted.return_id)

    command = RetrySagas(ids=(wanted.return_id,), actor="ada", reason="no patience")
    (answer,) = await retry_sagas(command, uow=uow, steps=steps, clock=system_clock)
    assert answer.return_id == wanted.return_id
    async with uow() as tx:
        timeline = await tx.orders.timeline(order.id)
    assert timeline[-1].entry.what == "step retried: no patience"


async def test_a_month_is_kept_while_something_of_it_is_made_good(uow, database):
    (order,) = await delivered(uow)
    busy = text(
        """
        SELECT pg_get_functiondef('archive_month'::regproc) LIKE '%order_returns%' AS asks,
            EXISTS (SELECT FROM order_returns WHERE order_id = :id AND state = 'SETTLING') AS busy
        """
    )
    await note(uow, lamps_back(order))

    async with database.begin() as tx:
        (row,) = await tx.rows(busy, {"id": order.id})

    assert row.asks
    assert row.busy


async def test_an_order_that_costs_nothing_is_kept_and_one_that_costs_less_is_not(uow, database):
    (order,) = await delivered(uow)
    free = text("UPDATE orders SET discount = items_total + shipping, grand_total = 0")
    async with database.begin() as tx:
        await tx.run(free)
    assert (await found(uow, order)).grand_total == Money(0, "EUR")

    less = text("UPDATE orders SET discount = discount + 1, grand_total = -1")
    with pytest.raises(Exception, match="ck_orders_total"):
        async with database.begin() as tx:
            await tx.run(less)
