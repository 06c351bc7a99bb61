from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.application.place_orders import place_orders
from services.order.domain.events import OrderConfirmed
from services.order.domain.values import (
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderStatus,
    PaymentStatus,
    Reason,
    ShipmentId,
)
from tests.unit.order.stories import deliver, dispatch, lose_provider

LAMP = Sku("LAMP")
MAIN = LocationId("main")
FIRST, SECOND = ShipmentId(UUID(int=11)), ShipmentId(UUID(int=12))


@pytest.fixture
async def placed(world, a_command):
    """
    Return the id of an order for three lamps, 30.00 EUR and 5.00 shipping.
    """
    commands = [a_command(shipping=Money(5_00, "EUR"))]
    (order,) = await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)
    return order.id


@pytest.fixture
async def confirmed(world, placed):
    await world.run_due()
    return placed


def lamps(units):
    return Goods(sku=LAMP, units=units)


async def test_stock_and_money_make_an_order_a_promise(world, placed):
    await world.run_due()

    order = world.orders[placed]
    assert order.status is OrderStatus.PLACED
    assert order.payment_status is PaymentStatus.AUTHORIZED
    assert world.held == {placed: "confirmed"}
    assert isinstance(world.events[-1], OrderConfirmed)


async def test_what_is_out_of_stock_is_rejected_and_holds_nothing(world, placed):
    world.refuse("reserve", "OUT_OF_STOCK")

    await world.run_due()

    assert world.orders[placed].status is OrderStatus.REJECTED
    assert world.orders[placed].reason is Reason.OUT_OF_STOCK
    assert world.calls == [("reserve", 1)]
    assert not world.sagas


async def test_a_declined_payment_gives_the_stock_back(world, placed):
    world.refuse("authorize", "PAYMENT_DECLINED")

    await world.run_due()

    assert world.orders[placed].status is OrderStatus.REJECTED
    assert world.orders[placed].reason is Reason.PAYMENT_DECLINED
    assert not world.held
    assert not world.sagas


async def test_an_expired_hold_gives_the_money_back(world, placed):
    world.refuse("confirm", "RESERVATION_EXPIRED")

    await world.run_due()

    assert world.orders[placed].status is OrderStatus.REJECTED
    assert world.orders[placed].payment_status is PaymentStatus.VOIDED
    assert not world.authorized


async def test_an_answer_that_never_came_is_asked_for_again(world, placed):
    world.refuse("authorize", "PSP_OUTCOME_UNKNOWN", passing=True)
    await world.run_due()
    world.refusals.clear()

    world.later(seconds=2)
    await world.run_due()

    assert world.orders[placed].status is OrderStatus.PLACED


async def test_an_order_that_finds_no_answer_in_time_is_given_up(world, placed):
    world.refuse("authorize", "PSP_OUTCOME_UNKNOWN", passing=True)
    await world.run_due()

    world.later(minutes=9)
    await world.run_due()

    assert world.orders[placed].reason is Reason.DEADLINE_PASSED
    assert not world.held
    assert not world.sagas


async def test_compensation_goes_on_until_it_is_done(world, placed):
    world.refuse("authorize", "PAYMENT_DECLINED")
    world.refuse("release", "UNAVAILABLE", passing=True)
    await world.run_due()
    assert world.orders[placed].status is OrderStatus.PENDING
    world.refusals.pop("release")

    world.later(seconds=2)
    await world.run_due()

    assert world.orders[placed].status is OrderStatus.REJECTED
    assert not world.held


async def test_a_dispatched_parcel_is_charged(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(3))

    order = world.orders[confirmed]
    assert world.captured == {FIRST: Money(35_00, "EUR")}
    assert order.payment_status is PaymentStatus.PAID
    assert order.fulfillment_status is FulfillmentStatus.FULFILLED


async def test_a_delivered_and_paid_order_completes(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(3))

    await deliver(world, confirmed, FIRST)

    assert world.orders[confirmed].status is OrderStatus.COMPLETED
    assert world.orders[confirmed].fulfillment_status is FulfillmentStatus.DELIVERED
    assert not world.sagas


async def test_two_parcels_are_charged_their_shares_to_the_cent(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(1))
    assert world.orders[confirmed].payment_status is PaymentStatus.PARTIALLY_PAID
    await dispatch(world, confirmed, SECOND, lamps(2))

    await deliver(world, confirmed, FIRST)
    await deliver(world, confirmed, SECOND)

    assert world.captured == {FIRST: Money(11_66, "EUR"), SECOND: Money(23_34, "EUR")}
    assert world.orders[confirmed].status is OrderStatus.COMPLETED


async def test_a_parcel_told_twice_is_charged_once(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(3))

    await dispatch(world, confirmed, FIRST, lamps(3))

    assert [call for call in world.calls if call[0] == "capture"] == [("capture", 1)]


async def test_a_capture_without_an_answer_is_tried_again(world, confirmed):
    world.refuse("capture", "PSP_OUTCOME_UNKNOWN", passing=True)
    await dispatch(world, confirmed, FIRST, lamps(3))
    await deliver(world, confirmed, FIRST)
    assert world.orders[confirmed].status is OrderStatus.PLACED
    world.refusals.clear()

    world.later(seconds=2)
    await world.run_due()

    assert world.orders[confirmed].status is OrderStatus.COMPLETED


async def test_a_refused_capture_waits_for_a_person(world, confirmed):
    world.refuse("capture", "CAPTURE_DECLINED")
    await dispatch(world, confirmed, FIRST, lamps(3))
    await deliver(world, confirmed, FIRST)
    world.later(seconds=60)
    await world.run_due()
    assert [call for call in world.calls if call[0] == "capture"] == [("capture", 1)] * 2
    world.refusals.clear()

    world.later(days=1)
    await world.run_due()

    assert world.orders[confirmed].status is OrderStatus.COMPLETED


async def test_nothing_is_given_back_before_all_is_charged(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(1))
    world.refuse("capture", "CAPTURE_DECLINED")
    await dispatch(world, confirmed, SECOND, lamps(1))
    await lose_provider(world, confirmed)
    await deliver(world, confirmed, FIRST)

    await deliver(world, confirmed, SECOND)

    assert world.held == {confirmed: "confirmed"}
    assert confirmed in world.authorized


async def test_an_order_nobody_fulfills_is_cancelled_and_costs_nothing(world, confirmed):
    await lose_provider(world, confirmed)

    order = world.orders[confirmed]
    assert order.status is OrderStatus.CANCELLED
    assert order.reason is Reason.UNFULFILLABLE
    assert order.payment_status is PaymentStatus.VOIDED
    assert not world.held
    assert not world.authorized


async def test_an_order_not_dispatched_in_time_is_cancelled(world, confirmed):
    world.later(days=8)
    await world.run_due()

    assert world.orders[confirmed].reason is Reason.DEADLINE_PASSED
    assert confirmed in world.cancelled_work
    assert not world.held


async def test_an_overdue_order_whose_parcel_just_left_is_kept(world, confirmed):
    world.refuse("cancel", "ALREADY_DISPATCHED")
    world.later(days=8)
    await world.run_due()
    assert world.orders[confirmed].status is OrderStatus.PLACED

    await dispatch(world, confirmed, FIRST, lamps(3))
    await deliver(world, confirmed, FIRST)

    assert world.orders[confirmed].status is OrderStatus.COMPLETED


async def test_a_parcel_that_is_missing_after_a_month_is_told(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(1))
    await deliver(world, confirmed, FIRST)

    world.later(days=30)
    await world.run_due()

    told = [entry.entry.what for entry in world.timelines[confirmed]]
    assert told[-1] == "rest of the goods overdue"


async def test_the_timeline_tells_the_whole_story(world, confirmed):
    await dispatch(world, confirmed, FIRST, lamps(3))
    await deliver(world, confirmed, FIRST)

    assert [traced.entry.what for traced in world.timelines[confirmed]] == [
        "order accepted",
        "stock reserved",
        "payment authorized",
        "order confirmed",
        "parcel dispatched",
        "payment captured",
        "parcel delivered",
        "order completed",
    ]
