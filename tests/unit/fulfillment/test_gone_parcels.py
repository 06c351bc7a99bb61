from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.shipments.end_parcels import EndParcel
from services.fulfillment.application.shipments.lose_overdue_shipments import (
    lose_overdue_shipments,
)
from services.fulfillment.application.shipments.lose_shipments import lose_shipments
from services.fulfillment.application.shipments.pack_shipments import PackShipment, pack_shipments
from services.fulfillment.application.shipments.record_tracking import (
    RecordTracking,
    record_tracking,
)
from services.fulfillment.application.shipments.return_shipments_to_sender import (
    return_shipments_to_sender,
)
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.domain.returns.values import ReturnKind, ReturnState
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import (
    FulfillmentOrderId,
    FulfillmentOrderStatus,
    Goods,
    ProviderId,
    ShipmentId,
    ShipmentState,
)

PARCEL = ShipmentId(UUID(int=100))
SECOND_PARCEL = ShipmentId(UUID(int=101))


@pytest.fixture
async def work(world, order_id):
    """
    Work on three lamps, of which one has left.
    """
    world.given_provider("ace")
    work = await world.given_accepted_work(order_id)
    await dispatch(world, work, PARCEL, 1)
    world.events.clear()
    return work


async def dispatch(world, work, shipment_id, units):
    command = DispatchShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ProviderId("ace"),
        goods=(Goods(Sku("LAMP"), Quantity(units)),) if units else (),
        tracking_number="",
    )
    return (await dispatch_shipments([command], uow=world.uow, clock=world.clock))[0]


async def pack(world, work, shipment_id):
    command = PackShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ProviderId("ace"),
        goods=(),
        weight_grams=0,
        carrier="",
    )
    await pack_shipments([command], uow=world.uow, labels=world.printer, clock=world.clock)


async def told_of(world, work, use_case, shipment_id=PARCEL):
    command = EndParcel(fulfillment_order_id=work.id, shipment_id=shipment_id)
    return (await use_case([command], uow=world.uow, clock=world.clock))[0]


async def deliver(world, work, shipment_id=PARCEL):
    command = DeliverShipment(fulfillment_order_id=work.id, shipment_id=shipment_id)
    return (await deliver_shipments([command], uow=world.uow, clock=world.clock))[0]


async def lose_overdue(world):
    return await lose_overdue_shipments(
        uow=world.uow, clock=world.clock, lost_after=timedelta(days=30)
    )


async def test_what_was_in_a_lost_parcel_is_claimed(world, work):
    answer = await told_of(world, work, lose_shipments)

    shipment = answer.shipment(PARCEL)
    assert (shipment.state, shipment.ended_at) == (ShipmentState.LOST, world.now)
    (claim,) = world.returns.values()
    assert (claim.kind, claim.state) == (ReturnKind.CLAIM, ReturnState.RECEIVED)
    assert world.told()[0] == "ShipmentLost"


async def test_what_comes_back_is_awaited(world, work):
    answer = await told_of(world, work, return_shipments_to_sender)

    assert answer.shipment(PARCEL).state is ShipmentState.RETURNED_TO_SENDER
    (back,) = world.returns.values()
    assert (back.kind, back.state) == (ReturnKind.UNDELIVERED, ReturnState.APPROVED)
    assert world.told()[0] == "ShipmentReturnedToSender"


async def test_what_comes_back_is_awaited_as_long_as_the_shop_says(world, work):
    policy = ReturnPolicy(receive_within=timedelta(days=2))

    await told_of(world, work, partial(return_shipments_to_sender, policy=policy))

    (back,) = world.returns.values()
    assert back.due_at == world.clock() + timedelta(days=2)


@pytest.mark.parametrize("use_case", [lose_shipments, return_shipments_to_sender])
async def test_a_parcel_ends_once(world, work, use_case):
    await told_of(world, work, use_case)
    world.events.clear()

    again = await told_of(world, work, use_case)

    assert again.shipment(PARCEL).is_gone
    assert world.events == []
    assert len(world.returns) == 1


async def test_a_parcel_that_came_to_one_end_comes_to_no_other(world, work):
    await told_of(world, work, lose_shipments)

    back = await told_of(world, work, return_shipments_to_sender)
    arrived = await deliver(world, work)

    assert [back.reason, arrived.reason] == ["SHIPMENT_ENDED"] * 2


async def test_a_parcel_that_has_arrived_is_not_lost(world, work):
    await deliver(world, work)

    assert (await told_of(world, work, lose_shipments)).reason == "SHIPMENT_ENDED"
    assert world.returns == {}


async def test_a_parcel_that_has_not_left_comes_to_no_end(world, work):
    await pack(world, work, SECOND_PARCEL)

    answers = [
        await told_of(world, work, lose_shipments, SECOND_PARCEL),
        await told_of(world, work, return_shipments_to_sender, SECOND_PARCEL),
        await deliver(world, work, SECOND_PARCEL),
    ]

    assert [answer.reason for answer in answers] == ["SHIPMENT_NOT_DISPATCHED"] * 3


async def test_a_parcel_that_nobody_knows_is_not_found(world, work):
    of_no_work = EndParcel(fulfillment_order_id=FulfillmentOrderId(UUID(int=0)), shipment_id=PARCEL)

    answers = [
        await told_of(world, work, lose_shipments, SECOND_PARCEL),
        *await lose_shipments([of_no_work], uow=world.uow, clock=world.clock),
    ]

    assert [answer.reason for answer in answers] == ["SHIPMENT_NOT_FOUND"] * 2


async def test_the_work_is_closed_when_all_has_left_and_every_parcel_has_ended(world, work):
    lost = await told_of(world, work, lose_shipments)
    await dispatch(world, work, SECOND_PARCEL, 0)
    arrived = await deliver(world, work, SECOND_PARCEL)

    assert lost.status is FulfillmentOrderStatus.IN_PROGRESS
    assert arrived.status is FulfillmentOrderStatus.CLOSED


async def test_a_parcel_that_is_under_way_for_too_long_is_lost(world, work):
    world.later(days=29)
    await dispatch(world, work, SECOND_PARCEL, 1)
    early = await lose_overdue(world)
    world.later(days=1)

    assert (early, await lose_overdue(world), await lose_overdue(world)) == (0, 1, 0)
    (order,) = world.work_on(work.order_id)
    assert order.shipment(PARCEL).state is ShipmentState.LOST
    assert order.shipment(SECOND_PARCEL).state is ShipmentState.DISPATCHED
    assert len(world.returns) == 1


async def test_what_was_said_before_we_knew_that_it_left_counts_when_it_has(world, work):
    await pack(world, work, SECOND_PARCEL)
    back = TrackingEvent(event_id="a", state=TrackingState.RETURN_TO_SENDER, occurred_at=world.now)
    told = RecordTracking(shipment_id=SECOND_PARCEL, tracking_number="", event=back)
    (early,) = await record_tracking([told], uow=world.uow, clock=world.clock)

    answer = await dispatch(world, work, SECOND_PARCEL, 0)

    assert early.shipment(SECOND_PARCEL).state is ShipmentState.PACKED
    assert answer.shipment(SECOND_PARCEL).state is ShipmentState.RETURNED_TO_SENDER
    assert world.told()[:2] == ["ShipmentDispatched", "ShipmentReturnedToSender"]
    assert len(world.returns) == 1
