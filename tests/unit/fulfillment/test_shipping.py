from uuid import UUID

import pytest

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.fulfillment.application.deliver_shipments import DeliverShipment, deliver_shipments
from services.fulfillment.application.dispatch_shipments import (
    DispatchShipment,
    dispatch_shipments,
)
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    Goods,
    OrderId,
    ProviderId,
    ShipmentId,
)

PARCEL = ShipmentId(UUID(int=100))
SECOND_PARCEL = ShipmentId(UUID(int=101))


@pytest.fixture(autouse=True)
def one_provider(world):
    world.given_provider("ace")


def parcel(work, shipment_id=PARCEL, *, by="ace", tracking="T1", **goods):
    return DispatchShipment(
        shipment_id=shipment_id,
        fulfillment_order_id=work.id,
        provider_id=ProviderId(by),
        goods=tuple(Goods(Sku(sku), Quantity(units)) for sku, units in goods.items()),
        tracking_number=tracking,
    )


async def dispatch(world, *commands):
    return await dispatch_shipments(commands, uow=world.uow, clock=world.clock)


async def deliver(world, work, *shipment_ids):
    commands = [DeliverShipment(fulfillment_order_id=work.id, shipment_id=s) for s in shipment_ids]
    return await deliver_shipments(commands, uow=world.uow, clock=world.clock)


def reasons(answers):
    return [answer.reason for answer in answers]


async def test_a_parcel_without_lines_holds_all_that_is_left(world, order_id):
    work = await world.given_accepted_work(order_id, LAMP=3, MUG=1)

    await dispatch(world, parcel(work, LAMP=2), parcel(work, SECOND_PARCEL))

    first, rest = world.events
    assert first.goods == (Goods(Sku("LAMP"), Quantity(2)),)
    assert rest.goods == (Goods(Sku("LAMP"), Quantity(1)), Goods(Sku("MUG"), Quantity(1)))


async def test_dispatching_again_answers_again_and_sends_nothing(world, order_id):
    work = await world.given_accepted_work(order_id)
    await dispatch(world, parcel(work))
    world.events.clear()

    (answer,) = await dispatch(world, parcel(work))

    assert len(answer.shipments) == 1
    assert world.events == []


async def test_a_parcel_told_again_with_other_content_is_refused(world, order_id):
    work = await world.given_accepted_work(order_id)
    await dispatch(world, parcel(work, LAMP=2))

    answers = await dispatch(
        world, parcel(work, LAMP=1), parcel(work), parcel(work, LAMP=2, tracking="T2")
    )

    assert reasons(answers) == ["SHIPMENT_MISMATCH"] * 3


async def test_a_parcel_belongs_to_one_order_only(world, order_id):
    work = await world.given_accepted_work(order_id)
    other = await world.given_accepted_work(OrderId(UUID(int=2)))

    _, refusal = await dispatch(world, parcel(work), parcel(other))

    assert refusal.reason == "SHIPMENT_MISMATCH"


async def test_never_more_is_dispatched_than_was_ordered(world, order_id):
    work = await world.given_accepted_work(order_id)

    answers = await dispatch(
        world,
        parcel(work, LAMP=4),
        parcel(work, MUG=1),
        parcel(work),
        parcel(work, SECOND_PARCEL),
    )

    assert reasons([*answers[:2], answers[3]]) == ["DISPATCHED_TOO_MUCH"] * 3
    assert world.told() == ["ShipmentDispatched"]


async def test_work_that_nobody_took_on_cannot_be_dispatched(world, order_id):
    work = await world.given_work(order_id)

    answers = await dispatch(world, parcel(work))

    assert reasons(answers) == ["FULFILLMENT_ORDER_NOT_ACCEPTED"]


async def test_only_the_provider_who_does_the_work_can_dispatch_it(world, order_id):
    work = await world.given_accepted_work(order_id)

    answers = await dispatch(world, parcel(work, by="other"))

    assert reasons(answers) == ["NOT_THE_PROVIDER"]


async def test_the_work_is_closed_when_all_has_arrived(world, order_id):
    work = await world.given_accepted_work(order_id)
    await dispatch(world, parcel(work, LAMP=1), parcel(work, SECOND_PARCEL))

    (partly,) = await deliver(world, work, PARCEL)
    (wholly,) = await deliver(world, work, SECOND_PARCEL)

    assert partly.status is FulfillmentOrderStatus.IN_PROGRESS
    assert wholly.status is FulfillmentOrderStatus.CLOSED


async def test_a_parcel_arrives_once(world, order_id):
    work = await world.given_accepted_work(order_id)
    await dispatch(world, parcel(work))

    await deliver(world, work, PARCEL, PARCEL)

    assert world.told() == ["ShipmentDispatched", "ShipmentDelivered"]


async def test_a_parcel_that_never_left_cannot_arrive(world, order_id):
    work = await world.given_accepted_work(order_id)

    answers = await deliver(world, work, PARCEL)

    assert reasons(answers) == ["SHIPMENT_NOT_FOUND"]
