from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.shipments.list_tracking import list_tracking
from services.fulfillment.application.shipments.record_tracking import (
    RecordTracking,
    record_tracking,
)
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderStatus,
    Goods,
    LocationId,
    OfferId,
    OfferState,
    OrderId,
    ProviderId,
    ShipmentId,
    ShipmentState,
)

PARCEL = ShipmentId(UUID(int=100))
SECOND_PARCEL = ShipmentId(UUID(int=101))
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ENDS = {
    TrackingState.DELIVERED: ShipmentState.DELIVERED,
    TrackingState.RETURN_TO_SENDER: ShipmentState.RETURNED_TO_SENDER,
}


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


def event(id_, state, *, hour=0):
    return TrackingEvent(event_id=id_, state=state, occurred_at=NOON + timedelta(hours=hour))


async def tell(world, *events, shipment_id=PARCEL, number=""):
    commands = [
        RecordTracking(shipment_id=shipment_id, tracking_number=number, event=some)
        for some in events
    ]
    return await record_tracking(commands, uow=world.uow, clock=world.clock)


async def dispatch(world, work, shipment_id=PARCEL, *, tracking="T1", units=3):
    command = DispatchShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ProviderId("ace"),
        goods=(Goods(Sku("LAMP"), Quantity(units)),),
        tracking_number=tracking,
    )
    return await dispatch_shipments([command], uow=world.uow, clock=world.clock)


@pytest.fixture
async def work(world, order_id):
    """
    Work on three lamps, of which one parcel is on its way.
    """
    work = await world.given_accepted_work(order_id)
    await dispatch(world, work)
    world.events.clear()
    world.later(days=10)
    return work


@pytest.mark.usefixtures("work")
async def test_what_is_shown_is_the_latest_by_the_carriers_clock(world):
    await tell(world, event("b", TrackingState.OUT_FOR_DELIVERY, hour=5))

    (late,) = await tell(world, event("a", TrackingState.IN_TRANSIT, hour=1))

    assert late.shipment(PARCEL).last_word.state is TrackingState.OUT_FOR_DELIVERY
    assert late.shipment(PARCEL).state is ShipmentState.DISPATCHED
    assert world.events == []


@pytest.mark.usefixtures("work")
async def test_a_parcel_that_the_carrier_delivered_has_arrived_when_it_did(world):
    (answer,) = await tell(world, event("a", TrackingState.DELIVERED, hour=5))

    assert answer.shipment(PARCEL).delivered_at == NOON + timedelta(hours=5)
    assert answer.status is FulfillmentOrderStatus.CLOSED
    assert world.told() == ["ShipmentDelivered"]


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(("hours", "believed"), [(-1000, "left"), (1000, "now")])
async def test_a_carriers_clock_is_believed_as_far_as_it_can_be_right(world, hours, believed):
    (answer,) = await tell(world, event("a", TrackingState.DELIVERED, hour=hours))

    shipment = answer.shipment(PARCEL)
    assert shipment.delivered_at == {"left": shipment.dispatched_at, "now": world.now}[believed]


@pytest.mark.usefixtures("work")
async def test_what_the_carrier_takes_back_opens_a_return(world):
    (answer,) = await tell(world, event("a", TrackingState.RETURN_TO_SENDER))

    assert answer.shipment(PARCEL).state is ShipmentState.RETURNED_TO_SENDER
    assert answer.status is FulfillmentOrderStatus.CLOSED
    (back,) = world.returns.values()
    assert back.kind == "UNDELIVERED"


@pytest.mark.usefixtures("work")
async def test_nothing_moves_a_parcel_that_has_ended(world):
    await tell(world, event("a", TrackingState.DELIVERED, hour=1))
    world.events.clear()

    _, answer = await tell(
        world,
        event("b", TrackingState.RETURN_TO_SENDER, hour=2),
        event("c", TrackingState.IN_TRANSIT, hour=3),
    )

    assert answer.shipment(PARCEL).state is ShipmentState.DELIVERED
    assert answer.shipment(PARCEL).last_word.state is TrackingState.IN_TRANSIT
    assert world.events == []
    assert world.returns == {}


@pytest.mark.usefixtures("work")
async def test_an_event_counts_once_by_its_id(world):
    await tell(world, event("a", TrackingState.IN_TRANSIT, hour=1))

    (answer, _) = await tell(
        world,
        event("a", TrackingState.DELIVERED, hour=2),
        event("a", TrackingState.UNKNOWN, hour=3),
    )

    assert answer.shipment(PARCEL).last_word.state is TrackingState.IN_TRANSIT
    assert await list_tracking(PARCEL, uow=world.uow) == [
        event("a", TrackingState.IN_TRANSIT, hour=1)
    ]


@pytest.mark.usefixtures("work")
async def test_what_was_said_is_listed_latest_first(world):
    said = [event(str(hour), TrackingState.IN_TRANSIT, hour=hour) for hour in (2, 1, 3)]

    await tell(world, *said)

    assert [e.event_id for e in await list_tracking(PARCEL, uow=world.uow)] == ["3", "2", "1"]
    with pytest.raises(refusals.ShipmentNotFound):
        await list_tracking(SECOND_PARCEL, uow=world.uow)


async def test_a_parcel_is_known_by_its_number_and_of_two_the_last_one_is_meant(world, order_id):
    work = await world.given_accepted_work(order_id)
    await dispatch(world, work, units=1)
    world.later(days=1)
    await dispatch(world, work, SECOND_PARCEL, units=1)

    answer, unknown = [
        *await tell(world, event("a", TrackingState.IN_TRANSIT), shipment_id=None, number="T1"),
        *await tell(world, event("a", TrackingState.IN_TRANSIT), shipment_id=None, number="T2"),
    ]

    assert answer.shipment(PARCEL).last_word is None
    assert answer.shipment(SECOND_PARCEL).last_word
    assert unknown.reason == "SHIPMENT_NOT_FOUND"


@pytest.mark.usefixtures("work")
async def test_a_parcel_that_nobody_knows_is_refused_and_the_others_are_not(world):
    known, unknown = [
        *await tell(world, event("a", TrackingState.IN_TRANSIT)),
        *await tell(world, event("a", TrackingState.IN_TRANSIT), shipment_id=SECOND_PARCEL),
    ]

    assert known.shipment(PARCEL).last_word
    assert unknown.reason == "SHIPMENT_NOT_FOUND"


# From here on, whatever carriers say, and in whatever order it is heard.


def packed_work(kind=Shipment):
    lamp = (Goods(Sku("LAMP"), Quantity(1)),)
    address = Address(name="A", lines=(), city="Hull", postal_code="", country_code="GB")
    work = FulfillmentOrder.open(OrderId(UUID(int=1)), LocationId("leeds"), lamp, address)
    work.offers = (
        Offer(
            id=OfferId(UUID(int=9)),
            provider_id=ProviderId("ace"),
            state=OfferState.ACCEPTED,
            expires_at=NOON,
        ),
    )
    work.status = FulfillmentOrderStatus.IN_PROGRESS
    work.shipments = (kind(id=PARCEL, state=ShipmentState.PACKED, goods=lamp, packed_at=NOON),)
    return work


def hear_all(work, hearings, dispatched_at):
    """
    Let *work* hear each of *hearings*, and its parcel leave before the one of that number; what
    we know of its end must never be taken back.
    """
    now, ended = NOON + timedelta(days=30), None
    for number, heard in enumerate([*hearings, None]):
        if number == dispatched_at:
            work.dispatch(PARCEL, ProviderId("ace"), goods=(), tracking_number="", now=NOON)
        if heard:
            work.track(PARCEL, heard, now)
        (shipment,) = work.shipments
        end = (shipment.state, shipment.delivered_at, shipment.ended_at)
        assert ended in (None, end)
        ended = end if shipment.has_ended else None
    return work.shipments[0]


def check_any_order(events, orders, *, kind=Shipment):
    """
    Let the same *events* be heard in several *orders*: what stands in the end is the same, and of
    ends that contradict each other the one that was heard first.
    """
    last = max(events, key=lambda said: (said.occurred_at, said.event_id))
    for hearings, dispatched_at in orders:
        shipment = hear_all(packed_work(kind), hearings, dispatched_at)
        first_end = next((ENDS[said.state] for said in hearings if said.is_end), None)

        assert shipment.last_word.event_id == last.event_id
        assert shipment.last_word.state is last.state
        assert shipment.state is (first_end or ShipmentState.DISPATCHED)


@st.composite
def histories(draw):
    said = draw(st.lists(st.tuples(st.sampled_from(TrackingState), st.integers(0, 5)), min_size=1))
    events = [event(str(n), state, hour=hour) for n, (state, hour) in enumerate(said)]
    orders = []
    for _ in range(3):
        again = draw(st.lists(st.sampled_from(events), max_size=4))
        heard = draw(st.permutations([*events, *again]))
        orders.append((heard, draw(st.integers(0, len(heard)))))
    return events, orders


@settings(max_examples=60, deadline=None)
@given(histories())
def test_in_whatever_order_words_come_the_same_stands_in_the_end(history):
    check_any_order(*history)


class LastWriterWins(Shipment):
    """
    Planted: what was heard last counts, and moves the parcel wherever it is.
    """

    def heard(self, said):
        known = Shipment.heard(replace(self, last_word=None), said)
        if self.has_left and said.is_end:
            at = {"delivered_at": said.occurred_at, "ended_at": None}
            if said.state is TrackingState.RETURN_TO_SENDER:
                at = {"delivered_at": None, "ended_at": said.occurred_at}
            return replace(known, state=ENDS[said.state], **at)
        return known


EARLY, LATE = (
    event("a", TrackingState.IN_TRANSIT, hour=1),
    event("b", TrackingState.UNKNOWN, hour=2),
)
ARRIVED, BACK = (
    event("a", TrackingState.DELIVERED, hour=1),
    event("b", TrackingState.RETURN_TO_SENDER, hour=2),
)


@pytest.mark.parametrize("pair", [(LATE, EARLY), (ARRIVED, BACK)])
def test_the_check_finds_a_last_writer_who_wins(pair):
    history = (list(pair), [(pair, 0)])
    check_any_order(*history)

    with pytest.raises(AssertionError):
        check_any_order(*history, kind=LastWriterWins)
