"""What acceptance fills and promises, and what becomes of both."""

from datetime import date, time
from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    cancel_fulfillment,
)
from services.fulfillment.application.change_fulfillment import (
    ChangeFulfillment,
    change_fulfillment,
)
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.expire_offers import expire_offers
from services.fulfillment.application.reject_offers import RejectOffer, reject_offers
from services.fulfillment.application.shipments.end_parcels import EndParcel
from services.fulfillment.application.shipments.lose_shipments import lose_shipments
from services.fulfillment.application.shipments.return_shipments_to_sender import (
    return_shipments_to_sender,
)
from services.fulfillment.domain.calendar import WorkingHours
from services.fulfillment.domain.promise import PromiseState
from services.fulfillment.domain.provider import ServiceTerms
from services.fulfillment.domain.values import (
    Goods,
    LocationId,
    OfferState,
    OrderId,
    ProviderId,
    ServiceLevel,
    ShipmentId,
)
from tests.unit.fulfillment.conftest import HOME

ACE = ProviderId("ace")
# The world's time is noon of Sunday, 1 March 2026.
MONDAY, TUESDAY, FRIDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 6)


def order(number):
    return OrderId(UUID(int=number))


def acceptance(work):
    return AcceptOffer(offer_id=work.live_offer.id, provider_id=work.live_offer.provider_id)


async def performance_of(world, provider_id=ACE):
    async with world.uow() as tx:
        return (await tx.provider_days.recent([provider_id], world.now))[provider_id]


async def taken(world, day=MONDAY):
    return (await performance_of(world)).taken.get(day, 0)


async def send(world, work, *sizes):
    """
    Dispatch a parcel for each of *sizes*, and return what to deliver.
    """
    deliveries = []
    for number, size in enumerate(sizes):
        shipment_id = ShipmentId(UUID(int=100 + number))
        command = DispatchShipment(
            shipment_id=shipment_id,
            fulfillment_order_id=work.id,
            provider_id=ACE,
            goods=(Goods(Sku("LAMP"), Quantity(size)),),
            tracking_number="",
        )
        await dispatch_shipments([command], uow=world.uow, clock=world.clock)
        deliveries.append(DeliverShipment(fulfillment_order_id=work.id, shipment_id=shipment_id))
    return deliveries


async def deliver(world, delivery):
    (work,) = await deliver_shipments([delivery], uow=world.uow, clock=world.clock)
    return work


async def test_accepted_work_fills_the_day_once(world, order_id):
    world.given_provider("ace", daily_capacity=5)
    work = await world.given_accepted_work(order_id)

    await accept_offers([acceptance(work)] * 2, **world.offering)

    assert await taken(world) == 1
    assert (await performance_of(world)).accepted == 1


async def test_nobody_is_asked_whose_day_is_full(world):
    world.given_provider("ace", rank=1, daily_capacity=1)
    world.given_provider("bea", rank=2)
    await world.given_accepted_work(order(1))

    work = await world.given_work(order(2))

    assert work.live_offer.provider_id == "bea"


async def test_an_acceptance_for_which_there_is_no_room_counts_as_rejected(world):
    world.given_provider("ace", rank=1, daily_capacity=1)
    world.given_provider("bea", rank=2)
    first, second = await world.given_work(order(1)), await world.given_work(order(2))

    _, refusal = await accept_offers([acceptance(first), acceptance(second)], **world.offering)

    (second,) = world.work_on(order(2))
    assert refusal.reason == "CAPACITY_EXCEEDED"
    assert [offer.state for offer in second.offers] == [OfferState.REJECTED, OfferState.SUBMITTED]
    assert second.offers[0].reason == "no capacity left"
    assert second.live_offer.provider_id == "bea"
    assert await taken(world) == 1


async def test_what_is_accepted_after_the_cutoff_fills_the_next_day(world, order_id):
    world.given_provider("ace", hours=WorkingHours(cutoff=time(9)))
    world.later(days=1)

    await world.given_accepted_work(order_id)

    assert (await taken(world, MONDAY), await taken(world, TUESDAY)) == (0, 1)


async def test_cancelled_work_gives_its_place_back_once(world):
    world.given_provider("ace", daily_capacity=1)
    await world.given_accepted_work(order(1))

    async with world.uow() as tx:
        (work,) = await tx.fulfillment_orders.of_orders([order(1)])
        work.cancel()
        work.cancel()
        await tx.fulfillment_orders.save([work])

    assert await taken(world) == 0
    assert (await world.given_work(order(2))).live_offer.provider_id == "ace"


async def test_cancelled_work_that_nobody_accepted_gives_nothing_back(world, order_id):
    world.given_provider("ace", daily_capacity=1)
    await world.given_work(order_id)

    await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)

    assert await taken(world) == 0


async def test_work_of_which_a_change_leaves_nothing_gives_its_place_back(world, order_id):
    world.given_provider("ace", daily_capacity=2)
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    await accept_offers([acceptance(work) for work in world.work_on(order_id)], **world.offering)
    change = ChangeFulfillment(
        order_id=order_id,
        number=1,
        ship_to=HOME,
        goods={LocationId("york"): (Goods(Sku("LAMP"), Quantity(1)),)},
    )

    await change_fulfillment([change], uow=world.uow)

    assert await taken(world) == 1


async def test_what_a_provider_answers_is_counted(world):
    world.given_provider("ace")
    declined, silent = await world.given_work(order(1)), await world.given_work(order(2))
    offer = declined.live_offer
    rejection = RejectOffer(offer_id=offer.id, provider_id=ACE, reason="")
    await reject_offers([rejection, rejection], **world.offering)
    world.later(seconds=30)
    assert silent.live_offer
    await expire_offers(**world.offering)

    counted = await performance_of(world)

    assert (counted.accepted, counted.rejected, counted.expired) == (0, 1, 1)


async def test_acceptance_promises_working_days_of_the_providers_calendar(world, order_id):
    world.given_provider("ace", hours=WorkingHours(holidays=frozenset({TUESDAY})))
    await world.given_work(order_id)

    await accept_offers([acceptance(w) for w in world.work_on(order_id)], **world.offering)

    (work,) = world.work_on(order_id)
    event = world.events[-1]
    # 1 to 5 working days from Monday, without Tuesday.
    assert (work.promise.first_day, work.promise.last_day) == (date(2026, 3, 4), date(2026, 3, 10))
    assert (event.first_day, event.last_day) == (work.promise.first_day, work.promise.last_day)
    assert work.promise.state is PromiseState.OPEN


@pytest.mark.parametrize(
    ("days_late", "state", "on_time"), [(0, PromiseState.KEPT, 2), (1, PromiseState.BROKEN, 1)]
)
async def test_a_promise_is_kept_if_the_last_parcel_is_in_time(
    world, order_id, days_late, state, on_time
):
    world.given_provider("ace")
    work = await world.given_accepted_work(order_id)
    first, last = await send(world, work, 1, 2)
    world.later(days=1)
    work = await deliver(world, first)
    assert work.promise.state is PromiseState.OPEN
    # Five working days from Monday end on Monday.
    world.later(days=7 + days_late)

    work = await deliver(world, last)
    await deliver(world, last)

    counted = await performance_of(world)
    assert work.promise.state is state
    assert (counted.parcels, counted.on_time) == (2, on_time)


@pytest.mark.parametrize(
    ("end", "counted"), [(lose_shipments, (2, 1, 1)), (return_shipments_to_sender, (1, 1, 0))]
)
async def test_a_parcel_that_does_not_arrive_breaks_the_promise(world, order_id, end, counted):
    world.given_provider("ace")
    work = await world.given_accepted_work(order_id)
    arrived, gone = await send(world, work, 1, 2)
    await deliver(world, arrived)
    command = EndParcel(fulfillment_order_id=work.id, shipment_id=gone.shipment_id)

    for _ in range(2):
        (work,) = await end([command], uow=world.uow, clock=world.clock)

    seen = await performance_of(world)
    assert work.promise.state is PromiseState.BROKEN
    # Of one that comes back nobody knows whose fault that was.
    assert (seen.parcels, seen.on_time, seen.lost) == counted


async def test_a_day_ends_by_the_providers_clock(world, order_id):
    world.given_provider("ace", hours=WorkingHours(time_zone="America/New_York"))
    work = await world.given_accepted_work(order_id)
    (parcel,) = await send(world, work, 3)
    # Three in the morning of the day after, for us.
    world.later(days=8, hours=15)

    assert (await deliver(world, parcel)).promise.state is PromiseState.KEPT


async def test_a_service_level_is_asked_of_those_who_offer_it(world, order_id):
    express = ServiceTerms(
        service_level=ServiceLevel.EXPRESS, transit_days_min=0, transit_days_max=1
    )
    world.given_provider("slow", rank=1)
    world.given_provider("ace", rank=2, terms=(express,))

    world.service_level = ServiceLevel.EXPRESS

    work = await world.given_work(order_id)
    (work,) = await accept_offers([acceptance(work)], **world.offering)

    assert work.live_offer.provider_id == "ace"
    assert (work.promise.first_day, work.promise.last_day) == (MONDAY, TUESDAY)
