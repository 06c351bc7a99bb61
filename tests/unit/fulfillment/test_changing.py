from dataclasses import replace
from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from retail.common.v1.address_pb2 import Address as WireAddress
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.accept_offers import AcceptOffer, accept_offers
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
    Cancelling,
    cancel_fulfillment,
)
from services.fulfillment.application.change_fulfillment import (
    ChangeFulfillment,
    change_fulfillment,
)
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.application.expire_offers import expire_offers
from services.fulfillment.application.ports import Noticed
from services.fulfillment.application.watch_offers import watch_offers
from services.fulfillment.domain.events import FulfillmentOrderChanged, ShipmentDispatched
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    Goods,
    LocationId,
    OfferState,
    OrderId,
    ProviderId,
    RequestStatus,
    ShipmentId,
)
from services.fulfillment.wire.changes import change_from_wire
from tests.unit.fulfillment.conftest import HOME

ACE = ProviderId("ace")
ELSEWHERE = replace(HOME, city="Leeds", postal_code="LS1")


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


def change_of(order_id, number, *, ship_to=HOME, **at_location):
    return ChangeFulfillment(
        order_id=order_id,
        number=number,
        ship_to=ship_to,
        goods={
            LocationId(location): tuple(Goods(Sku(s), Quantity(n)) for s, n in goods.items())
            for location, goods in at_location.items()
        },
    )


async def change(world, order_id, number, **more):
    command = change_of(order_id, number, **more)
    (answer,) = await change_fulfillment([command], uow=world.uow)
    return getattr(answer, "reason", answer)


async def dispatch(world, work, *, units=None, shipment=100):
    goods = (Goods(Sku("LAMP"), Quantity(units)),) if units else ()
    command = DispatchShipment(
        shipment_id=ShipmentId(UUID(int=shipment)),
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=goods,
        tracking_number="",
    )
    (answer,) = await dispatch_shipments([command], uow=world.uow, clock=world.clock)
    return answer


async def accept(world, offer):
    command = AcceptOffer(offer_id=offer.id, provider_id=offer.provider_id)
    (answer,) = await accept_offers([command], **world.offering)
    return answer


def goods_at(world, order_id):
    return {
        (work.location_id, some.sku): some.quantity.units
        for work in world.work_on(order_id)
        for some in work.goods
    }


async def test_an_open_offer_stays_open_with_the_smaller_work(world, order_id):
    offer = (await world.given_work(order_id, LAMP=3, MUG=1)).live_offer

    answer = await change(world, order_id, 1, leeds={"LAMP": 2}, ship_to=ELSEWHERE)

    (work,) = world.work_on(order_id)
    assert answer == order_id
    assert goods_at(world, order_id) == {("leeds", "LAMP"): 2}
    assert (work.ship_to, work.change_number) == (ELSEWHERE, 1)
    assert work.live_offer == replace(offer, change_number=1)
    assert world.events[-1] == FulfillmentOrderChanged(
        fulfillment_order_id=work.id,
        order_id=order_id,
        change_number=1,
        goods=(Goods(Sku("LAMP"), Quantity(2)),),
        provider_id=ACE,
        offer_id=offer.id,
    )


async def test_accepting_accepts_the_work_as_it_is_now(world, order_id):
    offer = (await world.given_work(order_id)).live_offer
    await change(world, order_id, 1, leeds={"LAMP": 1})

    work = await accept(world, offer)

    assert work.status is FulfillmentOrderStatus.IN_PROGRESS
    assert work.goods == (Goods(Sku("LAMP"), Quantity(1)),)


async def test_accepted_work_stays_accepted_and_is_smaller(world, order_id):
    await world.given_accepted_work(order_id)

    await change(world, order_id, 1, leeds={"LAMP": 2})

    (work,) = world.work_on(order_id)
    assert work.status is FulfillmentOrderStatus.IN_PROGRESS
    assert (await dispatch(world, work, units=3)).reason == "DISPATCHED_TOO_MUCH"
    await dispatch(world, work)
    assert world.work_on(order_id)[0].dispatched == (Goods(Sku("LAMP"), Quantity(2)),)


async def test_a_parcel_says_which_change_it_followed(world, order_id):
    await world.given_accepted_work(order_id)
    await dispatch(world, world.work_on(order_id)[0], units=1)
    other = OrderId(UUID(int=2))
    await world.given_accepted_work(other)
    await change(world, other, 7, leeds={"LAMP": 2})
    world.events.clear()

    await dispatch(world, world.work_on(other)[0], shipment=101)

    (event,) = world.events
    assert isinstance(event, ShipmentDispatched)
    assert event.change_number == 7


async def test_work_of_which_nothing_is_left_is_cancelled(world, order_id):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    world.events.clear()

    await change(world, order_id, 1, york={"LAMP": 1})

    leeds, york = world.work_on(order_id)
    assert leeds.status is FulfillmentOrderStatus.CANCELLED
    assert leeds.request_status is RequestStatus.CANCELLATION_ACCEPTED
    assert [offer.state for offer in leeds.offers] == [OfferState.WITHDRAWN]
    assert goods_at(world, order_id) == {("york", "LAMP"): 1}
    assert york.status is FulfillmentOrderStatus.OPEN
    assert world.told() == ["FulfillmentOrderCancelled", "FulfillmentOrderChanged"]


async def test_what_an_earlier_change_left_out_stays_out_and_keeps_nobody_from_changing(
    world, order_id
):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 2})
    await change(world, order_id, 1, york={"LAMP": 2})

    assert await change(world, order_id, 2, york={"LAMP": 1}) == order_id
    assert await change(world, order_id, 3, york={"LAMP": 1}, leeds={"LAMP": 1}) == (
        "FULFILLMENT_GROWS"
    )
    assert goods_at(world, order_id) == {("york", "LAMP"): 1}


async def test_the_lines_of_work_that_nobody_wants_follow_too(world, order_id):
    world.providers.clear()
    await world.confirm(order_id, leeds={"LAMP": 3}, york={"LAMP": 3})

    await change(world, order_id, 1, leeds={"LAMP": 2})

    leeds, york = world.work_on(order_id)
    assert goods_at(world, order_id) == {("leeds", "LAMP"): 2}
    assert leeds.status is FulfillmentOrderStatus.UNFULFILLABLE
    assert york.status is FulfillmentOrderStatus.CANCELLED
    (changed,) = (e for e in world.events if isinstance(e, FulfillmentOrderChanged))
    assert (changed.provider_id, changed.offer_id) == (None, None)


async def test_a_change_told_again_or_late_changes_nothing(world, order_id):
    await world.given_work(order_id)
    await change(world, order_id, 2, leeds={"LAMP": 2})
    world.events.clear()

    assert await change(world, order_id, 2, leeds={"LAMP": 2}) == order_id
    assert await change(world, order_id, 1, leeds={"LAMP": 1}, ship_to=ELSEWHERE) == order_id

    assert goods_at(world, order_id) == {("leeds", "LAMP"): 2}
    assert world.work_on(order_id)[0].ship_to == HOME
    assert world.events == []


@pytest.mark.parametrize("which", [0, 1])
async def test_nothing_is_changed_once_a_parcel_has_left_from_anywhere(world, order_id, which):
    await world.confirm(order_id, leeds={"LAMP": 2}, york={"LAMP": 2})
    work = world.work_on(order_id)[which]
    await accept(world, work.live_offer)
    await dispatch(world, work)

    answer = await change(world, order_id, 1, leeds={"LAMP": 1}, york={"LAMP": 1})

    assert answer == "ALREADY_DISPATCHED"
    assert goods_at(world, order_id) == {("leeds", "LAMP"): 2, ("york", "LAMP"): 2}
    assert {work.change_number for work in world.work_on(order_id)} == {0}


async def test_a_change_told_again_is_answered_although_a_parcel_has_left_under_it(world, order_id):
    await world.given_accepted_work(order_id)
    await change(world, order_id, 1, leeds={"LAMP": 2})
    await dispatch(world, world.work_on(order_id)[0])

    assert await change(world, order_id, 1, leeds={"LAMP": 2}) == order_id
    assert await change(world, order_id, 2, leeds={"LAMP": 1}) == "ALREADY_DISPATCHED"


@pytest.mark.parametrize(
    "more",
    [
        {"leeds": {"LAMP": 4}},
        {"leeds": {"LAMP": 1, "MUG": 1}},
        {"leeds": {"LAMP": 1}, "hull": {"LAMP": 1}},
    ],
)
async def test_work_never_grows(world, order_id, more):
    await world.given_work(order_id)

    assert await change(world, order_id, 1, **more) == "FULFILLMENT_GROWS"

    assert goods_at(world, order_id) == {("leeds", "LAMP"): 3}


async def test_what_was_given_up_is_not_changed(world, order_id):
    await world.given_work(order_id)
    await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)

    assert await change(world, order_id, 1, leeds={"LAMP": 1}) == "FULFILLMENT_CANCELLED"


async def test_what_was_given_up_before_it_was_heard_of_is_not_changed(world, order_id):
    await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)

    assert await change(world, order_id, 1, leeds={"LAMP": 1}) == "FULFILLMENT_CANCELLED"


async def test_a_change_that_comes_before_the_confirmation_is_to_be_asked_again(world, order_id):
    assert await change(world, order_id, 1, leeds={"LAMP": 1}) == "FULFILLMENT_NOT_OPEN"

    await world.given_work(order_id)

    assert await change(world, order_id, 1, leeds={"LAMP": 1}) == order_id


async def test_the_rest_of_changed_work_can_be_given_up(world, order_id):
    await world.confirm(order_id, leeds={"LAMP": 1}, york={"LAMP": 1})
    await change(world, order_id, 1, york={"LAMP": 1})

    (answer,) = await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)

    assert answer == Cancelling(order_id=order_id)
    assert {work.status for work in world.work_on(order_id)} == {FulfillmentOrderStatus.CANCELLED}
    assert await change(world, order_id, 2, york={"LAMP": 1}) == "FULFILLMENT_CANCELLED"


async def test_each_of_a_batch_is_answered_on_its_own_and_in_order(world, order_id):
    await world.given_work(order_id)
    unknown = OrderId(UUID(int=2))

    answers = await change_fulfillment(
        [
            change_of(unknown, 1, leeds={"LAMP": 1}),
            change_of(order_id, 1, leeds={"LAMP": 2}),
            change_of(order_id, 2, leeds={"LAMP": 1}),
            change_of(order_id, 1, leeds={"LAMP": 2}),
        ],
        uow=world.uow,
    )

    assert [getattr(answer, "reason", answer) for answer in answers] == [
        "FULFILLMENT_NOT_OPEN",
        order_id,
        order_id,
        order_id,
    ]
    assert goods_at(world, order_id) == {("leeds", "LAMP"): 1}


async def test_the_next_provider_is_offered_the_changed_work(world, order_id):
    world.given_provider("bee", rank=1)
    await world.given_work(order_id)
    await change(world, order_id, 1, leeds={"LAMP": 1})
    world.later(seconds=31)

    await expire_offers(**world.offering)

    (work,) = world.work_on(order_id)
    assert (work.live_offer.provider_id, work.live_offer.change_number) == ("bee", 1)


async def watched(world, *, meanwhile):
    rounds = []
    async for work in watch_offers(ACE, uow=world.uow, notices=world):
        rounds.append([(w.offer.id, w.order.goods[0].quantity.units) for w in work.offers])
        if meanwhile:
            await meanwhile()
            meanwhile = None
    return rounds


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_watcher_gets_a_changed_offer_once_more(world, order_id, noticed):
    offer = (await world.given_work(order_id)).live_offer

    async def shrink():
        await change(world, order_id, 1, leeds={"LAMP": 1})
        # And then, whether or not it was told of it, it looks for itself.
        shrunk = Noticed(offers={offer.id: 1})
        world.news = [shrunk, None, shrunk] if noticed else [None, None]

    rounds = await watched(world, meanwhile=shrink)

    assert rounds == [[(offer.id, 3)], [(offer.id, 1)]]


def wire_change(*, number=1, order_id=None, **address):
    lines = [pb.LocatedLine(sku="LAMP", location_id="leeds", quantity=1)]
    known = {"name": "A. Consignee", "country_code": "GB"} | address
    return pb.FulfillmentChange(
        order_id=order_id or str(UUID(int=1)),
        change_number=number,
        ship_to=WireAddress(**known),
        lines=lines,
    )


def test_a_change_says_what_is_sent_from_where_and_where_to():
    wire = wire_change(lines=["1 High St"], city="Hull", postal_code="HU1")
    wire.lines.add(sku="MUG", location_id="leeds", quantity=2)

    command = change_from_wire(wire, "changes[0]")

    assert command == change_of(OrderId(UUID(int=1)), 1, ship_to=HOME, leeds={"LAMP": 1, "MUG": 2})


@pytest.mark.parametrize(
    ("wire", "reason", "field"),
    [
        (wire_change(number=0), "CHANGE_NUMBER_OUT_OF_RANGE", "change_number"),
        (wire_change(order_id="x"), "NOT_A_UUID", "order_id"),
        (wire_change(name=""), "TEXT_MALFORMED", "ship_to.name"),
        (wire_change(country_code="gb"), "ADDRESS_MALFORMED", "ship_to.country_code"),
        (wire_change(lines=["1"] * 4), "ADDRESS_MALFORMED", "ship_to.lines"),
        (wire_change(postal_code="1" * 21), "TEXT_MALFORMED", "ship_to.postal_code"),
    ],
)
def test_a_malformed_change_is_refused_and_names_its_field(wire, reason, field):
    with pytest.raises(InvalidInput) as refusal:
        change_from_wire(wire, "changes[0]")

    assert (refusal.value.reason, refusal.value.field) == (reason, f"changes[0].{field}")


@pytest.mark.parametrize(
    ("lines", "reason", "field"),
    [
        ([], "LINES_OUT_OF_RANGE", "lines"),
        ([("LAMP", "leeds", 1)] * 2_001, "LINES_OUT_OF_RANGE", "lines"),
        ([("LAMP", "leeds", 0)], "QUANTITY_OUT_OF_RANGE", "lines[0].quantity"),
        ([("", "leeds", 1)], "SKU_MALFORMED", "lines[0].sku"),
        ([("LAMP", "", 1)], "TEXT_MALFORMED", "lines[0].location_id"),
        ([("LAMP", "leeds", 1), ("LAMP", "leeds", 2)], "PLACE_REPEATED", "lines[1]"),
    ],
)
def test_malformed_lines_are_refused_and_name_their_field(lines, reason, field):
    wire = wire_change()
    del wire.lines[:]
    for sku, location_id, quantity in lines:
        wire.lines.add(sku=sku, location_id=location_id, quantity=quantity)

    with pytest.raises(InvalidInput) as refusal:
        change_from_wire(wire, "changes[0]")

    assert (refusal.value.reason, refusal.value.field) == (reason, f"changes[0].{field}")
