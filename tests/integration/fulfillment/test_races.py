"""Of two at once, one wins, and the story that is told has no gap."""

import asyncio

import pytest

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.expire_offers import expire_offers
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    OrderId,
    ProviderId,
    ShipmentId,
)

ROUNDS = 20
OPENED = ["FulfillmentOrderOpened", "OfferSubmitted"]


@pytest.fixture(autouse=True)
async def one_provider(fulfillment):
    await fulfillment.given_provider("ace")


async def many(given):
    ids = [OrderId(new_id()) for _ in range(ROUNDS)]
    return await given(*ids)


def accept(fulfillment, work):
    offer = work.live_offer
    command = AcceptOffer(offer_id=offer.id, provider_id=offer.provider_id)
    return accept_offers([command], **fulfillment.offering)


def dispatch(fulfillment, work, shipment_id=None):
    command = DispatchShipment(
        shipment_id=shipment_id or ShipmentId(new_id()),
        fulfillment_order_id=work.id,
        provider_id=ProviderId("ace"),
        goods=(),
        tracking_number="",
    )
    return dispatch_shipments([command], uow=fulfillment.uow, clock=fulfillment.clock)


def cancel(fulfillment, order_id):
    return cancel_fulfillment([CancelFulfillment(order_id=order_id)], **fulfillment.asking)


async def test_two_acceptances_of_one_offer_are_one(fulfillment):
    for work in await many(fulfillment.given_work):
        answers = await asyncio.gather(*(accept(fulfillment, work) for _ in range(4)))

        assert {a.status for (a,) in answers} == {FulfillmentOrderStatus.IN_PROGRESS}
        assert await fulfillment.told_of(work.id) == [*OPENED, "OfferAccepted"]


async def test_an_offer_is_either_accepted_or_expires(fulfillment):
    all_work = await many(fulfillment.given_work)
    due = fulfillment.now + fulfillment.answer_within
    fulfillment.later(seconds=29.9)

    async def let_expire():
        # By a clock that runs ahead of the one that accepts.
        offering = fulfillment.offering | {"clock": lambda: due}
        return await expire_offers(**offering, limit=ROUNDS)

    answers = await asyncio.gather(
        *(accept(fulfillment, work) for work in all_work), *(let_expire() for _ in range(4))
    )

    for work, (answer,) in zip(all_work, answers[:ROUNDS], strict=True):
        end = (
            ["OfferExpired", "FulfillmentOrderUnfulfillable"]
            if isinstance(answer, DomainError)
            else ["OfferAccepted"]
        )
        assert await fulfillment.told_of(work.id) == [*OPENED, *end]


async def test_work_is_either_dispatched_or_cancelled(fulfillment):
    for work in await many(fulfillment.given_accepted_work):
        (sent,), (given_up,) = await asyncio.gather(
            dispatch(fulfillment, work), cancel(fulfillment, work.order_id)
        )

        refused = [a for a in (sent, given_up) if isinstance(a, DomainError)]
        end = "FulfillmentOrderCancelled" if refused == [sent] else "ShipmentDispatched"
        assert len(refused) == 1
        assert await fulfillment.told_of(work.id) == [*OPENED, "OfferAccepted", end]


async def test_a_parcel_told_twice_at_once_leaves_once(fulfillment):
    for work in await many(fulfillment.given_accepted_work):
        shipment_id = ShipmentId(new_id())

        answers = await asyncio.gather(
            *(dispatch(fulfillment, work, shipment_id) for _ in range(3))
        )

        assert {len(answer.shipments) for (answer,) in answers} == {1}
        assert (await fulfillment.told_of(work.id))[2:] == ["OfferAccepted", "ShipmentDispatched"]


async def test_an_order_is_either_never_opened_or_cancelled(fulfillment):
    for _ in range(ROUNDS):
        order_id = OrderId(new_id())

        await asyncio.gather(fulfillment.confirm(order_id), cancel(fulfillment, order_id))

        work = await fulfillment.work_on(order_id)
        assert {order.status for order in work} <= {FulfillmentOrderStatus.CANCELLED}


async def test_an_order_confirmed_twice_at_once_is_opened_once(fulfillment, order_id):
    await asyncio.gather(*(fulfillment.confirm(order_id) for _ in range(4)))

    (work,) = await fulfillment.work_on(order_id)
    assert await fulfillment.told_of(work.id) == OPENED


async def test_overlapping_batches_do_not_wait_for_each_other_in_a_circle(fulfillment):
    all_work = await many(fulfillment.given_work)
    commands = [
        AcceptOffer(offer_id=work.live_offer.id, provider_id=ProviderId("ace")) for work in all_work
    ]

    answers = await asyncio.gather(
        *(accept_offers(commands[::step], **fulfillment.offering) for step in (1, -1, 1, -1))
    )

    assert all(not isinstance(a, DomainError) for some in answers for a in some)
