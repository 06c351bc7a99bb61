from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.application.cancel_order import CancelOrder, cancel_order
from services.order.application.place_orders import place_orders
from services.order.application.ports import OrderNotFound
from services.order.domain.events import OrderCancelled
from services.order.domain.order_requests import OrderDispatched, OrderEnded
from services.order.domain.values import (
    AccountId,
    FulfillmentStatus,
    Goods,
    OrderStatus,
    PaymentStatus,
    Reason,
    RequestState,
    ShipmentId,
)
from tests.unit.order.stories import deliver, dispatch

SHOP = AccountId("shop-1")
PARCEL = ShipmentId(UUID(int=11))
LAMPS = Goods(sku=Sku("LAMP"), units=3)


@pytest.fixture
async def placed(world, a_command):
    commands = [a_command(shipping=Money(5_00, "EUR"))]
    (order,) = await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)
    return order.id


async def cancel(world, order_id, note="changed my mind"):
    command = CancelOrder(account_id=SHOP, order_id=order_id, note=note)
    return await cancel_order(command, uow=world.uow, clock=world.clock)


def whats(world, order_id):
    return [traced.entry.what for traced in world.timelines[order_id]]


async def test_an_order_cancelled_before_anything_was_sought_holds_nothing(world, placed):
    await cancel(world, placed)
    await world.run_due()

    order = world.orders[placed]
    assert order.status is OrderStatus.CANCELLED
    assert order.reason is Reason.CUSTOMER_REQUEST
    assert order.cancellation.state is RequestState.ACCEPTED
    assert not world.held
    assert not world.authorized
    assert not world.sagas


@pytest.mark.parametrize("step", ["reserve", "authorize", "confirm"])
async def test_an_order_cancelled_during_a_step_gives_back_what_the_step_may_have_got(
    world, placed, step
):
    world.refuse(step, "UNAVAILABLE", passing=True)
    await world.run_due()
    # The answer was lost, not the effect.
    world.held[placed], world.authorized[placed] = "held", Money(35_00, "EUR")

    await cancel(world, placed)
    world.refusals.clear()
    await world.run_due()

    assert world.orders[placed].status is OrderStatus.CANCELLED
    assert not world.held
    assert not world.authorized


async def test_an_order_cancelled_while_a_provider_works_costs_nothing(world, placed):
    await world.run_due()

    await cancel(world, placed)
    await world.run_due()

    order = world.orders[placed]
    assert order.status is OrderStatus.CANCELLED
    assert order.payment_status is PaymentStatus.VOIDED
    assert placed in world.cancelled_work
    assert isinstance(world.events[-1], OrderCancelled)
    assert whats(world, placed)[-4:] == [
        "cancellation requested: changed my mind",
        "given up: CUSTOMER_REQUEST",
        "stock released, payment voided",
        "order cancelled: CUSTOMER_REQUEST",
    ]


async def test_a_parcel_that_left_first_wins(world, placed):
    await world.run_due()
    world.refuse("cancel", "ALREADY_DISPATCHED")
    await cancel(world, placed)
    await world.run_due()

    order = world.orders[placed]
    assert order.status is OrderStatus.PLACED
    assert order.cancellation.state is RequestState.REFUSED
    assert order.cancellation.refusal == "ORDER_DISPATCHED"

    await dispatch(world, placed, PARCEL, LAMPS)
    await deliver(world, placed, PARCEL)
    assert world.orders[placed].status is OrderStatus.COMPLETED


async def test_a_parcel_told_of_before_fulfillment_answers_is_charged_at_once(world, placed):
    await world.run_due()
    world.refuse("cancel", "UNAVAILABLE", passing=True)
    await cancel(world, placed)
    await world.run_due()
    world.refuse("cancel", "ALREADY_DISPATCHED")

    await dispatch(world, placed, PARCEL, LAMPS)

    assert world.orders[placed].cancellation.state is RequestState.REFUSED
    assert world.captured == {PARCEL: Money(35_00, "EUR")}


async def test_cancelling_goes_on_while_fulfillment_is_away(world, placed):
    await world.run_due()
    world.refuse("cancel", "UNAVAILABLE", passing=True)
    await cancel(world, placed)
    await world.run_due()
    assert world.orders[placed].status is OrderStatus.PLACED
    world.refusals.clear()

    world.later(seconds=2)
    await world.run_due()

    assert world.orders[placed].status is OrderStatus.CANCELLED


async def test_after_dispatch_it_is_refused_and_changes_nothing(world, placed):
    await world.run_due()
    await dispatch(world, placed, PARCEL, LAMPS)
    version = world.orders[placed].version

    with pytest.raises(OrderDispatched):
        await cancel(world, placed)

    assert world.orders[placed].version == version
    assert world.orders[placed].fulfillment_status is FulfillmentStatus.FULFILLED


async def test_a_completed_order_is_not_cancelled(world, placed):
    await world.run_due()
    await dispatch(world, placed, PARCEL, LAMPS)
    await deliver(world, placed, PARCEL)

    with pytest.raises(OrderEnded):
        await cancel(world, placed)


async def test_asking_again_changes_nothing_and_leaves_the_saga_in_peace(world, placed):
    await world.run_due()
    world.refuse("cancel", "UNAVAILABLE", passing=True)
    await cancel(world, placed)
    await world.run_due()
    before = (world.orders[placed].version, world.sagas[placed])

    again = await cancel(world, placed)

    assert again.cancellation.state is RequestState.REQUESTED
    assert (world.orders[placed].version, world.sagas[placed]) == before


async def test_asking_again_after_it_was_cancelled_is_answered_with_the_order(world, placed):
    await cancel(world, placed)
    await world.run_due()

    assert (await cancel(world, placed)).status is OrderStatus.CANCELLED


async def test_nobody_cancels_anothers_order(world, placed):
    command = CancelOrder(account_id=AccountId("another"), order_id=placed)

    with pytest.raises(OrderNotFound):
        await cancel_order(command, uow=world.uow, clock=world.clock)
