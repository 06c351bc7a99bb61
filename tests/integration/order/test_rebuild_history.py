"""The history of orders is told anew from the streams, while it goes on."""

import asyncio
from contextlib import suppress

import pytest
from nats.js.errors import NotFoundError

from chassis.events import streams
from chassis.storage.database import connect
from deploy.local.topology import WAYBILL
from services.order.adapters.event_streams import NatsStreams
from services.order.adapters.history_rebuild import RebuildUnderWay, sql_rebuilding
from services.order.adapters.order_history import SqlOrderHistory
from services.order.domain.values import FulfillmentStatus, OrderStatus, PaymentStatus
from services.order.entrypoints.history_subscriptions import HEARS
from tests.integration.order.history_world import World, goods_back, money_back


@pytest.fixture
async def world(migrated, database_of, broker):
    jetstream = broker.jetstream()
    for context in HEARS:
        with suppress(NotFoundError):
            await jetstream.delete_stream(streams.stream_of(context))
    await streams.provision(jetstream, contexts=WAYBILL.contexts, listeners=WAYBILL.listeners)
    return World(await database_of("order"), broker, (await migrated("order")).app)


ALL_IS_WELL = (OrderStatus.COMPLETED, PaymentStatus.PAID, FulfillmentStatus.DELIVERED)


async def test_what_is_heard_live_is_the_truth(world):
    world.live(orders=10)

    async with world.listening():
        await world.tell(100)

    assert await world.shown() == world.truth()
    assert await world.statuses() == [ALL_IS_WELL] * 10


async def test_what_was_lost_or_wrong_is_right_again_though_events_keep_flowing(world):
    world.live(orders=60)
    async with world.listening():
        await world.tell(300)
    await world.corrupt()

    async with world.listening():
        telling = asyncio.create_task(world.tell(300))
        summary = await world.rebuild()
        await telling

    assert await world.shown() == world.truth()
    assert await world.statuses() == [ALL_IS_WELL] * 60
    # Some are put right by what is told of them anyway.
    assert summary.missing + summary.wrong > 20
    assert summary.ahead == 0


async def test_what_was_paid_back_and_charged_back_is_told_anew_as_well(world):
    world.live(orders=10, money_back=money_back)
    async with world.listening():
        await world.tell(150)
    await world.corrupt()

    summary = await world.rebuild()

    assert await world.shown() == world.truth()
    half_back = (OrderStatus.COMPLETED, PaymentStatus.PARTIALLY_REFUNDED, ALL_IS_WELL[2])
    assert await world.statuses() == [half_back] * 10
    assert summary.missing + summary.wrong == 10


async def test_what_came_back_is_told_anew_as_well(world):
    world.live(orders=10, goods_back=goods_back)
    async with world.listening():
        await world.tell(140)
    await world.corrupt()

    summary = await world.rebuild()

    assert await world.shown() == world.truth()
    one_back = (*ALL_IS_WELL[:2], FulfillmentStatus.PARTIALLY_RETURNED)
    assert await world.statuses() == [one_back] * 10
    assert summary.missing + summary.wrong == 10


async def test_what_is_right_is_left_alone(world):
    world.live(orders=10)
    async with world.listening():
        await world.tell(100)

    summary = await world.rebuild()

    assert (summary.events, summary.orders) == (100, 10)
    assert (summary.missing, summary.wrong, summary.ahead) == (0, 0, 0)


async def test_a_listener_that_comes_after_the_rebuilding_changes_nothing(world):
    world.live(orders=10)
    await world.tell(100)

    summary = await world.rebuild()
    async with world.listening():
        pass

    assert summary.missing == 10
    assert await world.shown() == world.truth()


class Forgetful(SqlOrderHistory):
    """
    Does not know how far it has heard.
    """

    async def find(self, order_ids):
        found = await super().find(order_ids)
        for summary in found.values():
            for part in (summary.promise, summary.funds, *summary.works.values()):
                part.version = 0
        return found


async def test_without_versions_a_listener_that_comes_after_would_count_twice(world):
    world.live(orders=10)
    await world.tell(100)

    await world.rebuild()
    async with world.listening(lambda tx: tx.once(Forgetful, lambda: Forgetful(tx))):
        pass

    shown = await world.shown()
    assert {summary.parcels_dispatched for summary in shown.values()} == {2}
    assert shown != world.truth()


async def test_what_the_streams_have_forgotten_the_beginning_of_stays_as_it_is(world):
    world.live(orders=10)
    async with world.listening():
        await world.tell(100)
    jetstream = world.broker.jetstream()
    state = (await jetstream.stream_info("RETAIL_ORDER")).state
    await jetstream.purge_stream("RETAIL_ORDER", seq=state.last_seq + 1)
    fulfillment = (await jetstream.stream_info("RETAIL_FULFILLMENT")).state
    await jetstream.delete_msg("RETAIL_FULFILLMENT", fulfillment.first_seq)
    before = await world.shown()

    summary = await world.rebuild()

    assert (summary.missing, summary.wrong) == (0, 0)
    assert await world.shown() == before == world.truth()


async def test_what_knows_more_than_its_stream_stays_and_is_counted(world):
    world.live(orders=10)
    async with world.listening():
        await world.tell(100)
    jetstream = world.broker.jetstream()
    for context in ("order", "payment"):
        stream = streams.stream_of(context)
        await jetstream.delete_msg(stream, (await jetstream.stream_info(stream)).state.last_seq)

    summary = await world.rebuild()

    assert 1 <= summary.ahead <= 2
    assert (summary.missing, summary.wrong) == (0, 0)
    assert await world.shown() == world.truth()


class Stopping(NatsStreams):
    """
    Reads two contexts, and then no more.
    """

    async def end(self, context):
        if context == "fulfillment":
            raise InterruptedError
        return await super().end(context)


async def test_who_was_stopped_may_start_again(world):
    world.live(orders=10)
    await world.tell(100)

    with pytest.raises(InterruptedError):
        await world.rebuild(Stopping(world.broker))
    assert await world.shown() == {}
    await world.rebuild()

    assert await world.shown() == world.truth()


async def test_only_one_rebuilds_at_a_time(world):
    database = connect(world.url, application="other", idle_seconds=0)

    async with sql_rebuilding(database):
        with pytest.raises(RebuildUnderWay):
            await world.rebuild()

    assert (await world.rebuild()).orders == 0
    await database.close()
