"""Orders note what payment tells, with the history and in the same transaction."""

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from nats.js.errors import NotFoundError
from sqlalchemy import text

from chassis.events import streams
from chassis.events.consumer import Consumer
from chassis.kernel.clock import system_clock
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.money import money_to_wire
from chassis.saga.store import Bells
from chassis.wake import Wake
from deploy.local.topology import WAYBILL
from retail.payment.v1 import payment_events_pb2 as payment_pb
from services.order.adapters.unit_of_work import history_of, join_with, sql_unit_of_work
from services.order.domain.values import Goods, PaymentStatus, ShipmentId
from services.order.entrypoints.history_subscriptions import (
    HEARS,
    LISTENER,
    history_subscriptions,
)
from services.order.entrypoints.payment_notes import payment_notes
from tests.integration.order.history_world import World
from tests.integration.order.test_orders import MAIN, NOW, an_order

EUROS = [money_to_wire(Money(cents, "EUR")) for cents in (0, 10_00, 35_00)]


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
async def join():
    return join_with(told=Wake(), due=Bells(), clock=system_clock)


@pytest.fixture
async def world(database, migrated, broker):
    jetstream = broker.jetstream()
    for context in HEARS:
        with suppress(NotFoundError):
            await jetstream.delete_stream(streams.stream_of(context))
    await streams.provision(jetstream, contexts=WAYBILL.contexts, listeners=WAYBILL.listeners)
    return World(database, broker, (await migrated("order")).app)


@pytest.fixture
async def paid(database, join):
    """
    Return the id of an order whose parcel, 35.00 EUR, is paid.
    """
    order = an_order()
    allocations = []
    order.reserve(allocations, NOW)
    order.authorize(NOW)
    order.confirm(NOW)
    parcel = ShipmentId(UUID(int=7))
    goods = (Goods(sku=Sku("LAMP"), units=3),)
    order.dispatch(parcel, location_id=MAIN, goods=goods, at=NOW, now=NOW)
    order.capture([parcel], NOW)
    async with sql_unit_of_work(database, join)() as tx:
        await tx.orders.save([order])
    return order.id


async def hear(world, join, order_id, events, *, besides=payment_notes):
    """
    Have payment tell *events* of an order, each twice, and hear them.
    """
    numbered = [world.event(order_id, order_id, "payment", *each) for each in events]
    world.waiting = [(order_id, "payment", event) for event in numbered for _ in range(2)]
    await world.tell(len(world.waiting))
    consumer = Consumer(
        world.database,
        world.broker,
        listener=LISTENER,
        context="payment",
        subscriptions=history_subscriptions(
            "payment", history_of, besides=besides(join, system_clock)
        ),
    )
    running = asyncio.create_task(consumer.run())
    try:
        await world.all_heard(contexts=["payment"])
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def told_of(database, join, order_id):
    """
    Return the payment status of an order, of its history, and its timeline.
    """
    async with sql_unit_of_work(database, join)() as tx:
        order = (await tx.orders.find([order_id]))[order_id]
        history = (await tx.history.find([order_id]))[order_id]
        timeline = [entry.entry.what for entry in await tx.orders.timeline(order_id)]
    return order, history, timeline


def beginning(order_id):
    paid = {"payment_id": str(order_id)}
    return [
        payment_pb.PaymentAuthorized(**paid, amount=EUROS[2]),
        payment_pb.PaymentCaptured(**paid, amount=EUROS[2], total_captured=EUROS[2]),
    ]


async def test_refunds_and_chargebacks_are_noted_once_by_orders_and_history(
    world, database, join, paid
):
    said = {"payment_id": str(paid)}
    events = [
        *beginning(paid),
        payment_pb.PaymentRefunded(total_refunded=EUROS[1], **said),
        payment_pb.PaymentRefunded(total_refunded=EUROS[2], **said),
        payment_pb.RefundFailed(total_refunded=EUROS[1], reason="lost_or_stolen_card", **said),
        payment_pb.ChargebackReceived(amount=EUROS[1], reason="fraudulent", **said),
    ]

    await hear(world, join, paid, enumerate(events, start=1))

    order, history, timeline = await told_of(database, join, paid)
    assert order.payment_status is PaymentStatus.PARTIALLY_REFUNDED
    assert (order.refunded, history.funds.refunded) == (10_00, 10_00)
    assert history.payment_status is PaymentStatus.PARTIALLY_REFUNDED
    assert history.funds.charged_back == 10_00
    assert timeline[-4:] == [
        "refund paid; refunded so far: 10.00 EUR",
        "refund paid; refunded so far: 35.00 EUR",
        "refund failed: lost_or_stolen_card; refunded so far: 10.00 EUR",
        "chargeback of 10.00 EUR: fraudulent",
    ]


async def test_an_expired_authorization_wakes_the_saga(world, database, join, paid):
    async with sql_unit_of_work(database, join)() as tx:
        await tx.sagas.start("follow_fulfillment", {paid: ""}, now=system_clock())
    async with database.begin() as tx:
        later = "UPDATE sagas SET due_at = now() + interval '1 day' WHERE id = :id"
        await tx.run(text(later), {"id": paid})
    expired = payment_pb.PaymentVoided(payment_id=str(paid), amount=EUROS[1], expired=True)

    await hear(world, join, paid, enumerate([*beginning(paid), expired], start=1))

    async with database.begin() as tx:
        (row,) = await tx.rows(text("SELECT due_at <= now() AS due FROM sagas"))
    _, _, timeline = await told_of(database, join, paid)
    assert row.due
    assert timeline[-1] == "authorization expired"


async def test_orders_that_note_nothing_would_say_something_else_than_the_history(
    world, database, join, paid
):
    refunded = payment_pb.PaymentRefunded(payment_id=str(paid), total_refunded=EUROS[2])

    await hear(
        world,
        join,
        paid,
        enumerate([*beginning(paid), refunded], start=1),
        besides=lambda _join, _clock: {},
    )

    order, history, _ = await told_of(database, join, paid)
    assert history.payment_status is PaymentStatus.REFUNDED
    assert order.payment_status is not history.payment_status
