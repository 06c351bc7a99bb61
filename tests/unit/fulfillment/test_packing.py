from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.answer_cancellations import (
    AnswerCancellation,
    answer_cancellations,
)
from services.fulfillment.application.cancel_fulfillment import (
    CancelFulfillment,
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
from services.fulfillment.application.shipments.get_label import get_label
from services.fulfillment.application.shipments.make_labels import make_labels
from services.fulfillment.application.shipments.pack_shipments import PackShipment, pack_shipments
from services.fulfillment.application.shipments.unpack_shipments import (
    UnpackShipment,
    unpack_shipments,
)
from services.fulfillment.domain import refusals
from services.fulfillment.domain.values import (
    Goods,
    LocationId,
    OrderId,
    ProviderId,
    RequestStatus,
    ShipmentId,
    ShipmentState,
)

ACE = ProviderId("ace")
PARCEL = ShipmentId(UUID(int=100))
SECOND_PARCEL = ShipmentId(UUID(int=101))


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


def goods_of(units):
    return tuple(Goods(Sku(sku), Quantity(count)) for sku, count in units.items())


def packing(work, shipment_id=PARCEL, *, by="ace", weight_grams=0, carrier="", **goods):
    return PackShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ProviderId(by),
        goods=goods_of(goods),
        weight_grams=weight_grams,
        carrier=carrier,
    )


async def pack(world, *commands):
    return await pack_shipments(commands, uow=world.uow, labels=world.printer, clock=world.clock)


async def unpack(world, work, shipment_id=PARCEL, *, by="ace"):
    command = UnpackShipment(
        fulfillment_order_id=work.id, shipment_id=shipment_id, provider_id=ProviderId(by)
    )
    return (await unpack_shipments([command], uow=world.uow))[0]


async def dispatch(world, work, shipment_id=PARCEL, *, tracking="", **goods):
    command = DispatchShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ACE,
        goods=goods_of(goods),
        tracking_number=tracking,
    )
    return (await dispatch_shipments([command], uow=world.uow, clock=world.clock))[0]


async def make_late_labels(world):
    return await make_labels(uow=world.uow, labels=world.printer, clock=world.clock)


def parcels_of(world, order_id):
    return {s.id: s for work in world.work_on(order_id) for s in work.shipments}


def reasons(answers):
    return [answer.reason for answer in answers]


async def test_a_packed_parcel_has_a_label_and_a_number(world, order_id):
    work = await world.given_accepted_work(order_id)

    (answer,) = await pack(world, packing(work, weight_grams=750, LAMP=2))

    (shipment,) = answer.shipments
    assert (shipment.state, shipment.tracking_number) == (ShipmentState.PACKED, "N1")
    assert (shipment.weight_grams, shipment.carrier) == (750, "own")
    label = await get_label(PARCEL, ACE, uow=world.uow)
    assert (label.tracking_number, label.content) == ("N1", b"2 to A. Consignee")


async def test_packing_is_nobody_elses_business(world, order_id):
    work = await world.given_accepted_work(order_id)

    await pack(world, packing(work))

    assert world.events == []


async def test_what_is_packed_is_left_for_no_other_parcel(world, order_id):
    work = await world.given_accepted_work(order_id, LAMP=3, MUG=1)
    await pack(world, packing(work, LAMP=2))

    refused = await pack(world, packing(work, SECOND_PARCEL, LAMP=2))
    too_much = await dispatch(world, work, SECOND_PARCEL, tracking="T1", LAMP=2)
    rest = await dispatch(world, work, SECOND_PARCEL, tracking="T1")

    assert reasons(refused) == ["PACKED_TOO_MUCH"]
    assert too_much.reason == "DISPATCHED_TOO_MUCH"
    assert rest.shipment(SECOND_PARCEL).goods == goods_of({"LAMP": 1, "MUG": 1})


async def test_a_packed_parcel_leaves_without_another_word(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, LAMP=2))

    answer = await dispatch(world, work)

    assert answer.shipment(PARCEL).state is ShipmentState.DISPATCHED
    assert world.told() == ["ShipmentDispatched"]
    assert world.events[0].goods == goods_of({"LAMP": 2})


@pytest.mark.parametrize("said", [{"tracking": "other"}, {"LAMP": 1}])
async def test_a_packed_parcel_does_not_leave_as_something_else(world, order_id, said):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, LAMP=2))

    refusal = await dispatch(world, work, **said)

    assert refusal.reason == "SHIPMENT_MISMATCH"
    assert world.events == []


async def test_packing_again_answers_again_whatever_became_of_the_parcel(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work))
    await pack(world, packing(work))
    await dispatch(world, work)

    (answer,) = await pack(world, packing(work))

    assert answer.shipment(PARCEL).state is ShipmentState.DISPATCHED
    assert world.printer.made == 1


async def test_a_parcel_packed_again_as_something_else_is_refused(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, weight_grams=5, carrier="post", LAMP=2))

    answers = await pack(
        world,
        packing(work, weight_grams=5, carrier="post", LAMP=1),
        packing(work, weight_grams=5, carrier="post"),
        packing(work, weight_grams=6, carrier="post", LAMP=2),
        packing(work, weight_grams=5, carrier="other", LAMP=2),
    )

    assert reasons(answers) == ["SHIPMENT_MISMATCH"] * 4


async def test_what_left_without_being_packed_is_not_packed_afterwards(world, order_id):
    work = await world.given_accepted_work(order_id)
    await dispatch(world, work, tracking="T1")

    assert reasons(await pack(world, packing(work))) == ["SHIPMENT_MISMATCH"]


async def test_a_parcel_belongs_to_one_order_only(world, order_id):
    work = await world.given_accepted_work(order_id)
    other = await world.given_accepted_work(OrderId(UUID(int=2)))

    _, refusal = await pack(world, packing(work), packing(other))

    assert refusal.reason == "SHIPMENT_MISMATCH"


async def test_only_the_provider_who_does_the_work_packs_and_unpacks(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, LAMP=1))

    packed = await pack(world, packing(work, SECOND_PARCEL, by="other"))
    unpacked = await unpack(world, work, by="other")

    assert reasons([*packed, unpacked]) == ["NOT_THE_PROVIDER"] * 2


async def test_work_that_is_asked_back_is_not_packed(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, LAMP=1))
    world.work_on(order_id)[0].request_status = RequestStatus.CANCELLATION_REQUESTED

    again, new = await pack(world, packing(work, LAMP=1), packing(work, SECOND_PARCEL))

    assert again.shipment(PARCEL)
    assert new.reason == "CANCELLATION_REQUESTED"


async def test_what_is_unpacked_can_be_packed_again(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work))

    answer = await unpack(world, work)
    again = await unpack(world, work)
    (anew,) = await pack(world, packing(work, LAMP=1))

    assert answer.shipments == ()
    assert again.reason == "SHIPMENT_NOT_FOUND"
    assert anew.shipment(PARCEL).goods == goods_of({"LAMP": 1})
    assert (await get_label(PARCEL, ACE, uow=world.uow)).tracking_number == "N2"


async def test_what_has_left_is_not_unpacked(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work))
    await dispatch(world, work)

    assert (await unpack(world, work)).reason == "ALREADY_DISPATCHED"


async def test_a_parcel_waits_for_its_label_and_a_worker_makes_it(world, order_id):
    work = await world.given_accepted_work(order_id)
    world.printer.broken = True
    (waiting,) = await pack(world, packing(work))
    early = await make_late_labels(world)
    refusal = await dispatch(world, work)
    world.printer.broken = False
    world.later(seconds=15)

    made = await make_late_labels(world)

    assert waiting.shipment(PARCEL).state is ShipmentState.PENDING
    assert refusal.reason == "LABEL_NOT_READY"
    assert (early, made) == (0, 1)
    assert parcels_of(world, order_id)[PARCEL].state is ShipmentState.PACKED
    assert await make_late_labels(world) == 0


async def test_a_label_that_is_not_made_yet_cannot_be_printed(world, order_id):
    work = await world.given_accepted_work(order_id)
    world.printer.broken = True
    await pack(world, packing(work))

    with pytest.raises(refusals.LabelNotReady):
        await get_label(PARCEL, ACE, uow=world.uow)
    with pytest.raises(refusals.ShipmentNotFound):
        await get_label(SECOND_PARCEL, ACE, uow=world.uow)


async def test_a_label_is_nobody_elses_business(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work))

    with pytest.raises(refusals.ShipmentNotFound):
        await get_label(PARCEL, ProviderId("other"), uow=world.uow)


async def test_of_two_labels_the_first_that_is_kept_counts(world, order_id):
    work = await world.given_accepted_work(order_id)
    world.later(seconds=-60)

    async def a_worker_is_faster():
        world.later(seconds=60)
        await make_late_labels(world)

    world.printer.meanwhile = a_worker_is_faster

    (answer,) = await pack(world, packing(work))

    assert world.printer.made == 2
    assert answer.shipment(PARCEL).tracking_number == "N1"
    assert (await get_label(PARCEL, ACE, uow=world.uow)).tracking_number == "N1"


async def test_a_label_made_for_what_a_parcel_was_is_not_put_on_what_it_is(world, order_id):
    work = await world.given_accepted_work(order_id)

    async def it_is_packed_anew():
        await unpack(world, work)
        world.printer.broken = True
        await pack(world, packing(work, LAMP=1))
        world.printer.broken = False

    world.printer.meanwhile = it_is_packed_anew

    await pack(world, packing(work, LAMP=2))

    assert parcels_of(world, order_id)[PARCEL].state is ShipmentState.PENDING


async def test_what_was_packed_for_another_place_gets_no_label_of_that_place(world, order_id):
    work = await world.given_accepted_work(order_id)
    elsewhere = replace(work.ship_to, city="York")

    async def it_moves_and_is_packed_anew():
        await change(world, order_id, ship_to=elsewhere, LAMP=3)
        world.printer.broken = True
        await pack(world, packing(work))
        world.printer.broken = False

    world.printer.meanwhile = it_moves_and_is_packed_anew

    await pack(world, packing(work))

    assert parcels_of(world, order_id)[PARCEL].state is ShipmentState.PENDING


async def change(world, order_id, *, ship_to=None, **goods):
    command = ChangeFulfillment(
        order_id=order_id,
        number=1,
        ship_to=ship_to or world.work_on(order_id)[0].ship_to,
        goods={LocationId("leeds"): goods_of(goods)} if goods else {},
    )
    return (await change_fulfillment([command], uow=world.uow))[0]


@pytest.mark.parametrize("goods", [{"LAMP": 3}, {"LAMP": 1}, {}])
async def test_a_change_of_the_work_unpacks_what_was_packed(world, order_id, goods):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, LAMP=2))

    answer = await change(world, order_id, **goods)

    assert answer == order_id
    assert parcels_of(world, order_id) == {}


async def test_work_that_is_given_up_is_unpacked(world, order_id):
    work = await world.given_accepted_work(order_id)
    await pack(world, packing(work, LAMP=2))

    await cancel_fulfillment([CancelFulfillment(order_id=order_id)], **world.asking)
    agreed = AnswerCancellation(
        fulfillment_order_id=work.id, provider_id=ACE, accepted=True, reason=""
    )
    await answer_cancellations([agreed], **world.asking)

    assert parcels_of(world, order_id) == {}
    assert world.told()[-1] == "FulfillmentOrderCancelled"


async def test_labels_of_parcels_that_are_no_more_are_not_made(world, order_id):
    work = await world.given_accepted_work(order_id)
    world.printer.broken = True
    await pack(world, packing(work))
    await unpack(world, work)
    world.now += timedelta(hours=1)

    assert await make_late_labels(world) == 0
