from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.errors import Conflict
from chassis.kernel.ids import first_id_at, new_id
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.saga.store import Bells
from chassis.storage.idempotency import RequestIdReused
from chassis.wake import Wake
from services.order.adapters.unit_of_work import join_with, sql_unit_of_work
from services.order.application.ports import OrderNotFound, RequestKey
from services.order.domain.order import Order
from services.order.domain.period import Period
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderId,
    OrderLine,
    OrderStatus,
    ServiceLevel,
    ShipmentId,
)

SHOP = AccountId("shop-1")
MAIN = LocationId("main")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
def uow(database):
    return sql_unit_of_work(database, join_with(told=Wake(), due=Bells(), clock=system_clock))


def an_order() -> Order:
    return Order.place(
        OrderId(new_id()),
        account_id=SHOP,
        channel=Channel.BUSINESS,
        lines=(
            OrderLine(
                sku=Sku("LAMP"),
                title="Lamp",
                quantity=Quantity(3),
                unit_price=Money(10_00, "EUR"),
            ),
        ),
        shipping=Money(5_00, "EUR"),
        discount=Money(0, "EUR"),
        ship_to=Address(name="Ada", lines=("1 Row",), city="", postal_code="", country_code="GB"),
        psp_token="tok_visa",
        reference="R-1",
        service_level=ServiceLevel.EXPRESS,
        now=NOW,
    )


async def saved(uow, order):
    async with uow() as tx:
        await tx.orders.save([order])
    return order


async def found(uow, order_id):
    async with uow() as tx:
        return (await tx.orders.find([order_id]))[order_id]


async def outbox(database):
    async with database.begin() as tx:
        rows = await tx.rows(text("SELECT * FROM outbox ORDER BY position"))
    return [(row.subject, row.aggregate_version) for row in rows]


async def test_an_order_comes_back_as_it_was_saved(uow):
    order = await saved(uow, an_order())

    again = await found(uow, order.id)

    assert again.lines == order.lines
    assert again.service_level is ServiceLevel.EXPRESS
    assert again.ship_to == order.ship_to
    assert again.grand_total == Money(35_00, "EUR")
    assert (again.version, again.event_count) == (1, 1)


async def test_an_order_and_its_events_are_saved_together(uow, database):
    with pytest.raises(RuntimeError, match="crash"):
        async with uow() as tx:
            await tx.orders.save([an_order()])
            raise RuntimeError("crash")
    assert await outbox(database) == []

    await saved(uow, an_order())

    assert await outbox(database) == [("retail.order.v1.OrderPlaced", 1)]


async def test_events_of_an_order_are_numbered_without_a_gap(uow, database):
    order = await saved(uow, an_order())
    order.reserve([Allocation(sku=Sku("LAMP"), location_id=MAIN, units=3)], NOW)
    order.authorize(NOW)
    await saved(uow, order)
    order.confirm(NOW)
    await saved(uow, order)

    assert [version for _, version in await outbox(database)] == [1, 2]
    assert (await found(uow, order.id)).version == 3


async def test_parcels_and_timeline_grow_with_the_order(uow):
    order = await saved(uow, an_order())
    order.accept_work("swift", NOW)
    order.reserve([Allocation(sku=Sku("LAMP"), location_id=MAIN, units=3)], NOW)
    order.authorize(NOW)
    order.confirm(NOW)
    goods = (Goods(sku=Sku("LAMP"), units=3),)
    parcel = ShipmentId(UUID(int=7))
    order.dispatch(parcel, location_id=MAIN, goods=goods, at=NOW, now=NOW)
    await saved(uow, order)
    order.capture([parcel], NOW)
    await saved(uow, order)

    again = await found(uow, order.id)
    assert again.fulfillment_status is FulfillmentStatus.FULFILLED
    assert again.shipments[parcel].captured
    assert again.shipments[parcel].value == Money(35_00, "EUR")
    async with uow() as tx:
        timeline = await tx.orders.timeline(order.id)
    assert [entry.entry.what for entry in timeline] == [
        "order accepted",
        "work accepted",
        "stock reserved",
        "payment authorized",
        "order confirmed",
        "parcel dispatched",
        "payment captured",
    ]


async def test_of_two_writers_the_second_one_is_told(uow):
    order = await saved(uow, an_order())
    mine, yours = await found(uow, order.id), await found(uow, order.id)
    mine.accept_work("swift", NOW)
    await saved(uow, mine)

    yours.accept_work("slow", NOW)
    with pytest.raises(Conflict):
        await saved(uow, yours)


async def test_another_accounts_order_does_not_exist(uow):
    order = await saved(uow, an_order())

    async with uow() as tx:
        with pytest.raises(OrderNotFound):
            await tx.orders.get(AccountId("shop-2"), order.id)


async def test_pages_go_from_new_to_old_without_a_gap(uow):
    orders = [await saved(uow, an_order()) for _ in range(5)]

    async with uow() as tx:
        first = await tx.orders.page(SHOP, before=None, statuses=[], limit=3)
        second = await tx.orders.page(SHOP, before=first[-1].id, statuses=[], limit=3)
        none = await tx.orders.page(SHOP, before=None, statuses=[OrderStatus.PLACED], limit=3)

    assert [o.id for o in (*first, *second)] == [o.id for o in reversed(orders)]
    assert not none


def a_key(request_id=1, fingerprint=b"one") -> RequestKey:
    return RequestKey(account_id=SHOP, request_id=UUID(int=request_id), fingerprint=fingerprint)


async def test_a_request_is_claimed_once(uow):
    first, second, third = (OrderId(new_id()) for _ in range(3))
    async with uow() as tx:
        assert await tx.requests.find([a_key()]) == [None]
        assert await tx.requests.claim([(a_key(), first)], now=NOW) == [first]

    async with uow() as tx:
        same, other, new = await tx.requests.claim(
            [
                (a_key(), second),
                (a_key(fingerprint=b"two"), second),
                (a_key(request_id=2), third),
            ],
            now=NOW,
        )
        found = await tx.requests.find([a_key(), a_key(fingerprint=b"two"), a_key(request_id=3)])

    assert (same, new) == (first, third)
    assert isinstance(other, RequestIdReused)
    assert found[0] == first
    assert isinstance(found[1], RequestIdReused)
    assert found[2] is None


async def test_a_page_can_be_narrowed_to_a_time(uow):
    before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    order = an_order()
    # An order's id is made a moment after its time.
    order.id = OrderId(first_id_at(NOW + timedelta(milliseconds=3)))
    await saved(uow, order)

    async def ids_of(period):
        async with uow() as tx:
            page = await tx.orders.page(SHOP, before=None, statuses=[], limit=3, period=period)
        return [found.id for found in page]

    assert await ids_of(Period(placed_from=NOW, placed_before=after)) == [order.id]
    assert await ids_of(Period(placed_before=NOW + timedelta(milliseconds=1))) == [order.id]
    assert await ids_of(Period(placed_from=before, placed_before=NOW)) == []
    assert await ids_of(Period(placed_from=after)) == []


@pytest.mark.parametrize(("flags", "told"), [("01", "a" * 32), ("00", "")])
async def test_every_step_is_told_with_the_trace_that_shows_it(uow, flags, told):
    order = an_order()
    order.trace = f"00-{'a' * 32}-{'b' * 16}-{flags}"
    await saved(uow, order)
    order.reserve([Allocation(sku=Sku("LAMP"), location_id=MAIN, units=3)], NOW)
    order.authorize(NOW)
    await saved(uow, order)

    async with uow() as tx:
        timeline = await tx.orders.timeline(order.id)

    assert [(each.entry.cause, each.trace_id) for each in timeline] == [
        ("customer", told),
        ("product", told),
        ("payment", told),
    ]
