from uuid import UUID

import pytest

from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    Cancelling,
    cancel_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    OfferState,
    RequestStatus,
    ShipmentId,
)


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


async def cancel(world, order_id):
    (answer,) = await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)
    return answer


async def test_all_the_work_on_an_order_is_given_up(world, order_id):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})

    answer = await cancel(world, order_id)

    assert answer == Cancelling(order_id=order_id)
    for work in world.work_on(order_id):
        assert work.status is FulfillmentOrderStatus.CANCELLED
        assert work.request_status is RequestStatus.CANCELLATION_ACCEPTED
        assert [offer.state for offer in work.offers] == [OfferState.WITHDRAWN]
    assert world.told()[4:] == ["FulfillmentOrderCancelled"] * 2


async def test_a_withdrawn_offer_cannot_be_accepted_even_if_it_was_before(world, order_id):
    offer = (await world.given_accepted_work(order_id)).live_offer
    await cancel(world, order_id)
    world.later(hours=1)
    await cancel(world, order_id)

    command = AcceptOffer(offer_id=offer.id, provider_id=offer.provider_id)
    (refusal,) = await accept_offers([command], **world.offering)

    assert refusal.reason == "OFFER_WITHDRAWN"


async def test_nothing_is_given_up_once_a_parcel_has_left_from_anywhere(world, order_id):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    leeds, york = world.work_on(order_id)
    offer = leeds.live_offer
    accept = AcceptOffer(offer_id=offer.id, provider_id=offer.provider_id)
    await accept_offers([accept], **world.offering)
    parcel = DispatchShipment(
        shipment_id=ShipmentId(UUID(int=100)),
        fulfillment_order_id=leeds.id,
        provider_id=offer.provider_id,
        goods=(),
        tracking_number="",
    )
    await dispatch_shipments([parcel], uow=world.uow, clock=world.clock)

    refusal = await cancel(world, order_id)

    assert refusal.reason == "ALREADY_DISPATCHED"
    assert world.orders[york.id].status is FulfillmentOrderStatus.OPEN


async def test_cancelling_again_changes_nothing(world, order_id):
    await world.given_work(order_id)
    await cancel(world, order_id)
    world.events.clear()

    answer = await cancel(world, order_id)

    assert answer == Cancelling(order_id=order_id)
    assert world.events == []


async def test_an_order_cancelled_before_it_was_heard_of_is_never_opened(world, order_id):
    answer = await cancel(world, order_id)

    await world.confirm(order_id, leeds={"LAMP": 1})

    assert answer == Cancelling(order_id=order_id)
    assert world.work_on(order_id) == []
    assert world.events == []


async def test_what_nobody_wanted_stays_unfulfillable(world, order_id):
    world.providers.clear()
    await world.given_work(order_id)

    await cancel(world, order_id)

    (work,) = world.work_on(order_id)
    assert work.status is FulfillmentOrderStatus.UNFULFILLABLE
