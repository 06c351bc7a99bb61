import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.errors import Conflict, DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.saga.store import Bells
from chassis.wake import Wake
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.cancel_order import CancelOrder, cancel_order
from services.order.application.change_order import ChangeOrder, change_order
from services.order.domain.order import Order
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    LocationId,
    OrderId,
    OrderLine,
    RequestState,
)

SHOP = AccountId("shop-1")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = Address(name="Ada", lines=("1 Row",), city="", postal_code="", country_code="GB")
THERE = Address(name="Ada", lines=("2 Row",), city="", postal_code="", country_code="GB")


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
def uow(database):
    return sql_unit_of_work(database, join_with(told=Wake(), due=Bells(), clock=system_clock))


def an_order(lines):
    return Order.place(
        OrderId(new_id()),
        account_id=SHOP,
        channel=Channel.BUSINESS,
        lines=tuple(lines),
        shipping=Money(5_00, "EUR"),
        discount=Money(0, "EUR"),
        ship_to=HERE,
        psp_token="tok_visa",
        reference="R-1",
        now=NOW,
    )


@pytest.fixture
async def confirmed(uow):
    """
    Return the id of an order for three lamps, two vases and a mug that waits for its provider.
    """
    wanted = (("LAMP", 3), ("VASE", 2), ("MUG", 1))
    order = an_order(
        OrderLine(sku=Sku(sku), title=sku, quantity=Quantity(units), unit_price=Money(10_00, "EUR"))
        for sku, units in wanted
    )
    main = LocationId("main")
    order.reserve([Allocation(sku=Sku(s), location_id=main, units=u) for s, u in wanted], NOW)
    order.authorize(NOW)
    order.confirm(NOW)
    async with uow() as tx:
        await tx.orders.save([order])
        await tx.sagas.start("follow_fulfillment", {order.id: ""}, now=NOW)
    return order.id


def change(uow, order_id, quantities, ship_to=None):
    command = ChangeOrder(
        account_id=SHOP, order_id=order_id, ship_to=ship_to, quantities=quantities
    )
    return change_order(command, uow=uow, clock=system_clock)


def cancel(uow, order_id):
    command = CancelOrder(account_id=SHOP, order_id=order_id, note="why not")
    return cancel_order(command, uow=uow, clock=system_clock)


async def found(uow, order_id) -> Order:
    async with uow() as tx:
        return (await tx.orders.find([order_id]))[order_id]


async def test_a_wish_comes_back_as_it_was_saved(uow, confirmed):
    await change(uow, confirmed, {1: 2, 3: 0}, THERE)
    await cancel(uow, confirmed)

    order = await found(uow, confirmed)

    assert order.change.says(THERE, {1: 2, 3: 0})
    assert (order.change.number, order.change.state) == (1, RequestState.REQUESTED)
    assert order.cancellation.note == "why not"
    assert order.cancellation.state is RequestState.REQUESTED
    assert order.cancellation.requested_at.tzinfo


async def test_a_change_that_counts_is_kept_with_lines_totals_and_address(uow, confirmed):
    await change(uow, confirmed, {1: 2, 3: 0}, THERE)
    async with uow() as tx:
        order = (await tx.orders.find([confirmed]))[confirmed]
        order.settle_change(NOW)
        await tx.orders.save([order])

    again = await found(uow, confirmed)

    assert [(line.number, line.sku, line.quantity.units) for line in again.lines] == [
        (1, "LAMP", 2),
        (2, "VASE", 2),
    ]
    assert again.grand_total == Money(45_00, "EUR")
    assert again.authorized == Money(65_00, "EUR")
    assert again.ship_to == THERE
    assert [(a.sku, a.units) for a in again.allocations] == [("LAMP", 2), ("VASE", 2)]
    assert not again.is_to_be_changed


async def test_an_order_of_many_lines_is_changed_as_well(uow):
    many = [
        OrderLine(sku=Sku(f"S-{n}"), title="", quantity=Quantity(2), unit_price=Money(1_00, "EUR"))
        for n in range(100)
    ]
    order = an_order(many)
    async with uow() as tx:
        await tx.orders.save([order])
    async with uow() as tx:
        order = (await tx.orders.find([order.id]))[order.id]
        order.request_change(None, dict.fromkeys(range(2, 80), 1) | {1: 0}, NOW)
        order.settle_change(NOW)
        await tx.orders.save([order])

    again = await found(uow, order.id)

    assert [line.quantity.units for line in again.lines] == [1] * 78 + [2] * 21


async def test_a_wish_makes_a_step_under_way_void_and_runs_it_again(uow, database, confirmed):
    async with database.begin() as tx:
        (before,) = await tx.rows(text("SELECT claim, due_at FROM sagas"))

    await cancel(uow, confirmed)

    async with database.begin() as tx:
        (after,) = await tx.rows(text("SELECT claim, due_at FROM sagas"))
    assert after.claim == before.claim + 1
    assert after.due_at <= datetime.now(UTC)


async def test_of_many_who_ask_at_once_one_is_noted(uow, confirmed):
    answers = await asyncio.gather(
        *(cancel(uow, confirmed) for _ in range(20)), return_exceptions=True
    )

    assert all(isinstance(a, Order | Conflict) for a in answers)
    async with uow() as tx:
        timeline = await tx.orders.timeline(confirmed)
    assert [e.entry.what for e in timeline].count("cancellation requested: why not") == 1


async def test_a_cancellation_and_a_change_at_once_leave_one_story(uow, confirmed):
    answers = await asyncio.gather(
        *(change(uow, confirmed, {1: n}) for n in (1, 2)),
        cancel(uow, confirmed),
        return_exceptions=True,
    )

    assert all(isinstance(a, Order | DomainError) for a in answers)
    order = await found(uow, confirmed)
    assert order.is_to_be_cancelled or order.is_to_be_changed
    assert order.change is None or order.change.number == 1
