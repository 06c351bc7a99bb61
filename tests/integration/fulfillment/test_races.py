"""Of two at once, one wins, and the story that is told has no gap."""

import asyncio

import pytest

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.answer_cancellations import (
    AnswerCancellation,
    answer_cancellations,
)
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.expire_cancellations import expire_cancellations
from services.fulfillment.application.expire_offers import expire_offers
from services.fulfillment.application.open_fulfillment_orders import (
    OpenFulfillmentOrders,
    open_fulfillment_orders,
)
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    Goods,
    LocationId,
    OrderId,
    ProviderId,
    RequestStatus,
    ShipmentId,
)
from tests.integration.fulfillment.conftest import HOME

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


def answer(fulfillment, work, *, accepted):
    command = AnswerCancellation(
        fulfillment_order_id=work.id, provider_id=ProviderId("ace"), accepted=accepted, reason=""
    )
    return answer_cancellations([command], **fulfillment.asking)


def an_hour_later(fulfillment):
    """
    Return what asking needs, by a clock that runs ahead of the others.
    """
    due = fulfillment.now + fulfillment.asking["answer_within"]
    return fulfillment.asking | {"clock": lambda: due}


async def given_two_parts(fulfillment):
    """
    Return accepted work of one order at two locations.
    """
    order_id = OrderId(new_id())
    lamp = Goods(Sku("LAMP"), Quantity(3))
    command = OpenFulfillmentOrders(
        order_id=order_id,
        ship_to=HOME,
        goods=((LocationId("leeds"), lamp), (LocationId("york"), lamp)),
    )
    async with fulfillment.database.begin() as tx:
        await open_fulfillment_orders(
            [command],
            tx=fulfillment.join(tx),
            clock=fulfillment.clock,
            answer_within=fulfillment.answer_within,
        )
    for part in await fulfillment.work_on(order_id):
        await accept(fulfillment, part)
    return await fulfillment.work_on(order_id)


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


async def test_work_is_either_accepted_or_cancelled_or_asked_to_be_given_up(fulfillment):
    for work in await many(fulfillment.given_work):
        (taken,), (given_up,) = await asyncio.gather(
            accept(fulfillment, work), cancel(fulfillment, work.order_id)
        )

        told = (await fulfillment.told_of(work.id))[2:]
        if isinstance(taken, DomainError):
            assert taken.reason == "OFFER_WITHDRAWN"
            assert told == ["FulfillmentOrderCancelled"]
            assert given_up.answer_by is None
        else:
            assert told == ["OfferAccepted", "CancellationRequested"]
            assert given_up.answer_by


async def test_a_parcel_that_leaves_wins_over_the_wish_to_cancel(fulfillment):
    for work in await many(fulfillment.given_accepted_work):
        (sent,), (given_up,) = await asyncio.gather(
            dispatch(fulfillment, work), cancel(fulfillment, work.order_id)
        )

        asked_first = not isinstance(given_up, DomainError)
        assert not isinstance(sent, DomainError)
        assert (await fulfillment.told_of(work.id))[3:] == (
            ["CancellationRequested", "ShipmentDispatched", "CancellationRejected"]
            if asked_first
            else ["ShipmentDispatched"]
        )
        (again,) = await cancel(fulfillment, work.order_id)
        assert again.reason == "ALREADY_DISPATCHED"


async def test_work_asked_for_is_either_dispatched_or_given_up(fulfillment):
    for work in await many(fulfillment.given_accepted_work):
        await cancel(fulfillment, work.order_id)

        (sent,), (answered,) = await asyncio.gather(
            dispatch(fulfillment, work), answer(fulfillment, work, accepted=True)
        )

        refused = [a for a in (sent, answered) if isinstance(a, DomainError)]
        assert len(refused) == 1
        assert (await fulfillment.told_of(work.id))[4:] == (
            ["CancellationAccepted", "FulfillmentOrderCancelled"]
            if refused == [sent]
            else ["ShipmentDispatched", "CancellationRejected"]
        )


async def test_all_parts_of_an_order_are_given_up_or_none(fulfillment):
    for _ in range(ROUNDS):
        parts = await given_two_parts(fulfillment)
        order_id = parts[0].order_id
        await cancel(fulfillment, order_id)

        await asyncio.gather(
            answer(fulfillment, parts[0], accepted=True),
            answer(fulfillment, parts[1], accepted=False),
            dispatch(fulfillment, parts[0]),
            expire_cancellations(**an_hour_later(fulfillment)),
            cancel(fulfillment, order_id),
        )

        ends = {(part.status, part.request_status) for part in await fulfillment.work_on(order_id)}
        assert len(ends) == 1
        assert ends <= {
            (FulfillmentOrderStatus.CANCELLED, RequestStatus.CANCELLATION_ACCEPTED),
            (FulfillmentOrderStatus.IN_PROGRESS, RequestStatus.CANCELLATION_REJECTED),
        }
        for part in parts:
            await fulfillment.told_of(part.id)


async def test_silence_is_a_yes_once_however_many_look(fulfillment):
    all_work = await many(fulfillment.given_accepted_work)
    for work in all_work:
        await cancel(fulfillment, work.order_id)
    fulfillment.later(hours=1)

    await asyncio.gather(*(expire_cancellations(**fulfillment.asking) for _ in range(4)))

    for work in all_work:
        told = await fulfillment.told_of(work.id)
        assert told[4:] == ["CancellationAccepted", "FulfillmentOrderCancelled"]


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
