"""Orders whose providers are asked to give the work up, and what they answer."""

from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.text import Sku
from services.order.application.cancel_order import CancelOrder, cancel_order
from services.order.application.change_order import ChangeOrder, change_order
from services.order.application.note_providers_asked import (
    NoteProviderAsked,
    note_providers_asked,
)
from services.order.application.note_work_accepted import NoteWorkAccepted, note_work_accepted
from services.order.application.note_work_given_up import NoteWorkGivenUp, note_work_given_up
from services.order.application.note_work_kept import NoteWorkKept, note_work_kept
from services.order.application.participants import Pending
from services.order.application.place_orders import place_orders
from services.order.application.saga_outcomes import (
    ANSWER_TOLD_WITHIN,
    DISPATCH_WITHIN,
    LOOK_AGAIN_AFTER,
)
from services.order.domain.values import (
    AccountId,
    Goods,
    OrderStatus,
    PaymentStatus,
    Reason,
    RequestState,
    ShipmentId,
)
from tests.unit.order.stories import deliver, dispatch, lose_provider

SHOP = AccountId("shop-1")
PARCEL = ShipmentId(UUID(int=11))
LAMPS = Goods(sku=Sku("LAMP"), units=3)
HOUR = timedelta(hours=1)


@pytest.fixture
async def placed(world, a_command):
    (order,) = await place_orders([a_command()], uow=world.uow, catalog=world, clock=world.clock)
    await world.run_due()
    return order.id


async def cancel(world, order_id):
    command = CancelOrder(account_id=SHOP, order_id=order_id)
    await cancel_order(command, uow=world.uow, clock=world.clock)
    await world.run_due()


async def heard(world, note, command):
    async with world.uow() as tx:
        await note([command], tx=tx, clock=world.clock)
    await world.run_due()


def ask_the_provider(world):
    world.refusals["cancel"] = Pending(answer_by=world.now + HOUR)


async def agree(world, order_id):
    world.refusals.pop("cancel")
    await heard(world, note_work_given_up, NoteWorkGivenUp(order_id=order_id))


async def keep(world, order_id, reason="packed"):
    world.refuse("cancel", "CANCELLATION_REJECTED")
    command = NoteWorkKept(order_id=order_id, provider_id="swift", reason=reason)
    await heard(world, note_work_kept, command)


def whats(world, order_id):
    return [traced.entry.what for traced in world.timelines[order_id]]


async def test_the_saga_waits_for_the_provider_until_just_after_its_deadline(world, placed):
    ask_the_provider(world)

    await cancel(world, placed)

    step, due = world.sagas[placed]
    assert (step, due) == ("cancel_fulfillment", world.now + HOUR + ANSWER_TOLD_WITHIN)
    assert world.orders[placed].cancellation.state is RequestState.REQUESTED
    assert placed in world.held
    assert placed in world.authorized


async def test_a_yes_ends_the_order_and_gives_all_back(world, placed):
    ask_the_provider(world)
    await cancel(world, placed)

    await agree(world, placed)

    order = world.orders[placed]
    assert (order.status, order.reason) == (OrderStatus.CANCELLED, Reason.CUSTOMER_REQUEST)
    assert order.payment_status is PaymentStatus.VOIDED
    assert not world.held
    assert not world.authorized


async def test_a_yes_whose_event_was_lost_is_found_after_the_deadline(world, placed):
    ask_the_provider(world)
    await cancel(world, placed)
    world.refusals.clear()

    world.later(hours=1, minutes=1)
    await world.run_due()

    assert world.orders[placed].status is OrderStatus.CANCELLED


async def test_a_no_refuses_the_cancellation_and_the_order_goes_on(world, placed):
    ask_the_provider(world)
    await cancel(world, placed)

    await keep(world, placed)

    order = world.orders[placed]
    assert (order.status, order.reason) == (OrderStatus.PLACED, None)
    assert order.cancellation.state is RequestState.REFUSED
    assert order.cancellation.refusal == "CANCELLATION_REJECTED"
    assert whats(world, placed)[-2:] == [
        "work kept: packed",
        "cancellation refused: CANCELLATION_REJECTED",
    ]
    await dispatch(world, placed, PARCEL, LAMPS)
    await deliver(world, placed, PARCEL)
    assert world.orders[placed].status is OrderStatus.COMPLETED


async def test_a_parcel_that_leaves_while_the_provider_is_asked_refuses_it(world, placed):
    ask_the_provider(world)
    await cancel(world, placed)
    world.refuse("cancel", "ALREADY_DISPATCHED")

    await dispatch(world, placed, PARCEL, LAMPS)

    assert world.orders[placed].cancellation.refusal == "ORDER_DISPATCHED"
    assert PARCEL in world.captured
    await keep(world, placed, reason="a parcel has left")
    await deliver(world, placed, PARCEL)
    assert world.orders[placed].status is OrderStatus.COMPLETED


async def test_whom_it_is_asked_of_stands_on_the_timeline_once(world, placed):
    ask_the_provider(world)
    await cancel(world, placed)
    asked = NoteProviderAsked(order_id=placed, provider_id="swift")
    await heard(world, note_providers_asked, asked)
    # Woken or not, the saga asks again and adds nothing.
    world.sagas[placed] = ("cancel_fulfillment", world.now)
    await world.run_due()

    assert whats(world, placed).count("cancellation requested of swift") == 1
    assert world.sagas[placed][1] > world.now


async def test_nobody_hears_of_providers_once_the_order_has_ended(world, placed):
    await cancel(world, placed)
    before = whats(world, placed)

    for note, command in (
        (note_work_accepted, NoteWorkAccepted(order_id=placed, provider_id="swift")),
        (note_providers_asked, NoteProviderAsked(order_id=placed, provider_id="swift")),
        (note_work_kept, NoteWorkKept(order_id=placed, provider_id="swift", reason="")),
        (note_work_given_up, NoteWorkGivenUp(order_id=placed)),
    ):
        await heard(world, note, command)

    assert whats(world, placed) == before


async def test_what_was_given_up_at_once_does_not_wake_the_saga(world, placed):
    world.refuse("release", "UNAVAILABLE", passing=True)
    await cancel(world, placed)
    standing = world.sagas[placed]

    async with world.uow() as tx:
        command = NoteWorkGivenUp(order_id=placed)
        await note_work_given_up([command], tx=tx, clock=lambda: world.now - HOUR)

    assert world.sagas[placed] == standing


async def test_an_order_without_hope_whose_provider_keeps_it_is_asked_for_again(world, placed):
    world.later(seconds=DISPATCH_WITHIN.total_seconds())
    ask_the_provider(world)
    await world.run_due()
    await keep(world, placed)
    step, due = world.sagas[placed]
    assert (step, due) == ("follow_fulfillment", world.now + LOOK_AGAIN_AFTER)
    assert world.orders[placed].status is OrderStatus.PLACED

    ask_the_provider(world)
    world.later(days=1)
    await world.run_due()
    await agree(world, placed)

    order = world.orders[placed]
    assert (order.status, order.reason) == (OrderStatus.CANCELLED, Reason.DEADLINE_PASSED)


async def test_an_order_that_is_short_waits_for_the_provider_of_the_rest(world, placed):
    ask_the_provider(world)
    await lose_provider(world, placed)
    assert world.sagas[placed][0] == "cancel_fulfillment"

    await agree(world, placed)

    assert world.orders[placed].reason is Reason.UNFULFILLABLE


async def test_a_change_asked_for_meanwhile_is_seen_to_once_the_work_is_kept(world, placed):
    world.later(seconds=DISPATCH_WITHIN.total_seconds())
    ask_the_provider(world)
    await world.run_due()
    command = ChangeOrder(account_id=SHOP, order_id=placed, ship_to=None, quantities={1: 1})
    await change_order(command, uow=world.uow, clock=world.clock)
    await world.run_due()
    assert placed not in world.changed_work

    await keep(world, placed)

    assert placed in world.changed_work
    assert world.orders[placed].change.state is RequestState.ACCEPTED
