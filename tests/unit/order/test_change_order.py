from dataclasses import replace
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.application.cancel_order import CancelOrder, cancel_order
from services.order.application.change_order import (
    ChangeOrder,
    NothingToChange,
    OrderVersionPassed,
    change_order,
)
from services.order.application.place_orders import WantedLine, place_orders
from services.order.application.ports import SoldVariant
from services.order.domain.events import OrderChanged
from services.order.domain.order_change import (
    CountryChanged,
    LineNotFound,
    NothingLeft,
    QuantityGrows,
    reduced_allocations,
)
from services.order.domain.order_requests import (
    ChangeUnderWay,
    DiscountTooHigh,
    OrderBeingCancelled,
    OrderDispatched,
)
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Goods,
    LocationId,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    RequestState,
    ShipmentId,
)
from tests.unit.order.stories import deliver, dispatch

SHOP = AccountId("shop-1")
LAMP, VASE = Sku("LAMP"), Sku("VASE")
PARCEL = ShipmentId(UUID(int=11))
ELSEWHERE = Address(name="Ada", lines=("1 Other St",), city="", postal_code="", country_code="GB")


@pytest.fixture
async def placed(world, a_command):
    """
    Return the id of an order for three lamps and two vases, 70.00 EUR and 5.00 shipping.
    """
    world.variants[VASE] = SoldVariant(title="Vase", price=Money(20_00, "EUR"))
    lines = tuple(
        WantedLine(sku=sku, quantity=Quantity(units)) for sku, units in ((LAMP, 3), (VASE, 2))
    )
    commands = [a_command(lines=lines, shipping=Money(5_00, "EUR"))]
    (order,) = await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)
    return order.id


@pytest.fixture
async def confirmed(world, placed):
    await world.run_due()
    return placed


async def change(world, order_id, quantities=(), ship_to=None, version=0):
    command = ChangeOrder(
        account_id=SHOP,
        order_id=order_id,
        ship_to=ship_to,
        quantities=dict(quantities),
        version=version,
    )
    return await change_order(command, uow=world.uow, clock=world.clock)


async def test_fewer_units_and_lines_out_change_goods_money_and_work(world, confirmed):
    await change(world, confirmed, {1: 1, 2: 0})
    await world.run_due()

    order = world.orders[confirmed]
    kept = (Allocation(sku=LAMP, location_id=LocationId("main"), units=1),)
    assert order.change.state is RequestState.ACCEPTED
    assert [(line.number, line.quantity.units) for line in order.lines] == [(1, 1)]
    assert order.grand_total == Money(15_00, "EUR")
    assert order.allocations == kept
    assert world.kept == {confirmed: kept}
    assert world.changed_work[confirmed].goods == kept
    assert world.events[-1] == OrderChanged(
        order_id=confirmed,
        change_number=1,
        grand_total=Money(15_00, "EUR"),
        goods=(Goods(sku=LAMP, units=1),),
    )


async def test_what_is_paid_less_is_given_back_with_the_last_parcel(world, confirmed):
    await change(world, confirmed, {2: 0})
    await world.run_due()
    await dispatch(world, confirmed, PARCEL, Goods(sku=LAMP, units=3), change_number=1)
    assert confirmed in world.authorized

    await deliver(world, confirmed, PARCEL)

    order = world.orders[confirmed]
    assert order.status is OrderStatus.COMPLETED
    assert order.payment_status is PaymentStatus.PAID
    assert world.captured == {PARCEL: Money(35_00, "EUR")}
    assert confirmed not in world.authorized
    # All that was allocated has shipped: there is nothing to release.
    assert ("release", 1) not in world.calls


async def test_another_address_leaves_the_goods_alone(world, confirmed):
    await change(world, confirmed, ship_to=ELSEWHERE)
    await world.run_due()

    assert world.orders[confirmed].ship_to == ELSEWHERE
    assert world.changed_work[confirmed].ship_to == ELSEWHERE
    assert not world.kept


async def test_an_order_that_is_not_confirmed_yet_is_changed_once_it_is(world, placed):
    await change(world, placed, {2: 1})
    await world.run_due()

    assert world.authorized == {placed: Money(75_00, "EUR")}
    assert world.orders[placed].status is OrderStatus.PLACED
    assert world.orders[placed].grand_total == Money(55_00, "EUR")


async def test_a_parcel_that_left_first_wins(world, confirmed):
    world.refuse("change", "ALREADY_DISPATCHED")
    await change(world, confirmed, {2: 0})
    await world.run_due()

    order = world.orders[confirmed]
    assert order.change.state is RequestState.REFUSED
    assert order.change.refusal == "ORDER_DISPATCHED"
    assert order.grand_total == Money(75_00, "EUR")


async def test_a_parcel_that_left_under_the_change_is_charged_by_it(world, confirmed):
    # Fulfillment has changed the work, and its answer was lost.
    world.refuse("change", "UNAVAILABLE", passing=True)
    await change(world, confirmed, {2: 0})
    await world.run_due()

    await dispatch(world, confirmed, PARCEL, Goods(sku=LAMP, units=3), change_number=1)
    world.refusals.clear()
    world.later(seconds=2)
    await world.run_due()

    assert world.captured == {PARCEL: Money(35_00, "EUR")}
    assert world.orders[confirmed].change.settled
    assert world.kept[confirmed] == world.orders[confirmed].allocations


async def test_a_parcel_that_left_before_the_change_settles_that_it_is_refused(world, confirmed):
    world.refuse("change", "UNAVAILABLE", passing=True)
    await change(world, confirmed, {2: 0})
    await world.run_due()

    await dispatch(world, confirmed, PARCEL, Goods(sku=LAMP, units=3), change_number=0)

    assert world.orders[confirmed].change.state is RequestState.REFUSED
    # 30.00 of 70.00, and so much of the shipping.
    assert world.captured == {PARCEL: Money(32_14, "EUR")}


async def test_goods_that_product_does_not_take_back_are_for_a_person(world, confirmed):
    world.refuse("reduce", "ALREADY_SHIPPED")
    await change(world, confirmed, {2: 0})
    await world.run_due()
    assert world.orders[confirmed].change.state is RequestState.ACCEPTED
    assert not world.orders[confirmed].change.settled
    world.refusals.clear()

    world.later(days=1)
    await world.run_due()

    assert world.orders[confirmed].change.settled


async def test_a_parcel_is_charged_though_a_person_must_look_into_goods_that_went_out(
    world, confirmed
):
    world.refuse("reduce", "RESERVATION_NOT_FOUND")
    await change(world, confirmed, {2: 0})
    await world.run_due()

    await dispatch(world, confirmed, PARCEL, Goods(sku=LAMP, units=3), change_number=1)

    assert world.captured == {PARCEL: Money(35_00, "EUR")}
    assert world.orders[confirmed].payment_status is PaymentStatus.PAID


async def test_nothing_is_given_back_before_the_goods_that_went_out_are(world, confirmed):
    world.refuse("reduce", "RESERVATION_NOT_FOUND")
    await change(world, confirmed, {2: 0})
    await world.run_due()
    await dispatch(world, confirmed, PARCEL, Goods(sku=LAMP, units=3), change_number=1)
    await deliver(world, confirmed, PARCEL)
    assert ("void", 1) not in world.calls
    world.refusals.clear()

    world.later(days=1)
    await world.run_due()

    assert world.calls[-2:] == [("reduce", 1), ("void", 1)]
    assert world.orders[confirmed].status is OrderStatus.COMPLETED


async def test_asking_again_is_no_second_change(world, confirmed):
    await change(world, confirmed, {2: 0})
    await world.run_due()

    again = await change(world, confirmed, {1: 3})

    assert again.change.number == 1
    assert [call for call in world.calls if call[0] == "change"] == [("change", 1)]


async def test_asking_again_for_a_line_to_go_that_is_gone_is_no_second_change(world, confirmed):
    await change(world, confirmed, {1: 2, 2: 0})
    await world.run_due()

    again = await change(world, confirmed, {1: 2, 2: 0})

    assert again.change.number == 1
    assert [line.number for line in again.lines] == [1]


async def test_a_second_change_counts_on(world, confirmed):
    await change(world, confirmed, {2: 0})
    await world.run_due()
    await change(world, confirmed, {1: 1})
    await world.run_due()

    assert world.orders[confirmed].change.number == 2
    assert world.orders[confirmed].grand_total == Money(15_00, "EUR")


async def test_a_changed_order_can_still_be_cancelled(world, confirmed):
    await change(world, confirmed, {2: 0})
    await world.run_due()
    command = CancelOrder(account_id=SHOP, order_id=confirmed)
    await cancel_order(command, uow=world.uow, clock=world.clock)
    await world.run_due()

    assert world.orders[confirmed].status is OrderStatus.CANCELLED
    assert not world.held
    assert not world.authorized


async def test_a_wish_that_is_overtaken_by_a_cancellation_is_refused(world, placed):
    await change(world, placed, {2: 0})
    command = CancelOrder(account_id=SHOP, order_id=placed)
    await cancel_order(command, uow=world.uow, clock=world.clock)
    await world.run_due()

    assert world.orders[placed].change.state is RequestState.REFUSED


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"quantities": {3: 1}}, LineNotFound),
        ({"quantities": {1: 4}}, QuantityGrows),
        ({"quantities": {1: -1}}, QuantityGrows),
        ({"quantities": {1: 0, 2: 0}}, NothingLeft),
        ({"ship_to": replace(ELSEWHERE, country_code="FR")}, CountryChanged),
        ({}, NothingToChange),
    ],
)
async def test_a_wish_without_sense_is_refused_and_changes_nothing(world, confirmed, wish, error):
    version = world.orders[confirmed].version

    with pytest.raises(error) as refusal:
        await change(world, confirmed, **wish)

    assert refusal.value.field
    assert world.orders[confirmed].version == version


async def test_a_discount_that_leaves_nothing_to_pay_is_refused(world, a_command):
    commands = [a_command(discount=Money(25_00, "EUR"))]
    (order,) = await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)

    with pytest.raises(DiscountTooHigh):
        await change(world, order.id, {1: 2})


async def test_one_change_at_a_time(world, placed):
    await change(world, placed, {2: 0})

    with pytest.raises(ChangeUnderWay):
        await change(world, placed, {2: 1})


async def test_no_change_of_what_is_being_cancelled(world, placed):
    command = CancelOrder(account_id=SHOP, order_id=placed)
    await cancel_order(command, uow=world.uow, clock=world.clock)

    with pytest.raises(OrderBeingCancelled):
        await change(world, placed, {2: 0})


async def test_no_change_after_dispatch(world, confirmed):
    await dispatch(world, confirmed, PARCEL, Goods(sku=LAMP, units=1))

    with pytest.raises(OrderDispatched):
        await change(world, confirmed, {2: 0})


async def test_a_wish_for_another_version_is_refused(world, confirmed):
    version = world.orders[confirmed].version

    with pytest.raises(OrderVersionPassed):
        await change(world, confirmed, {2: 0}, version=version - 1)

    await change(world, confirmed, {2: 0}, version=version)
    assert world.orders[confirmed].is_to_be_changed


def test_goods_go_out_of_the_smallest_parcels_first():
    def some(sku, location, units):
        return Allocation(sku=sku, location_id=LocationId(location), units=units)

    allocations = (some(LAMP, "a", 2), some(LAMP, "b", 2), some(VASE, "b", 5))
    lines = [
        OrderLine(sku=sku, title="", quantity=Quantity(units), unit_price=Money(1, "EUR"))
        for sku, units in ((LAMP, 2), (VASE, 5))
    ]

    assert reduced_allocations(allocations, lines) == (some(LAMP, "b", 2), some(VASE, "b", 5))
