import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from chassis.events import consumer as consumer_module
from chassis.events import decisions
from chassis.events import replay as replay_module
from chassis.events.consumer import Consumer
from chassis.events.delivery import read_deliveries
from chassis.events.gaps import ask_for_missing
from chassis.events.handlers import Subscription
from chassis.events.inbox import count_attempt
from chassis.events.redrive import redrive_some
from chassis.events.relay import relay_batch
from chassis.events.replay import answer_replay_requests, ask_for_replay
from chassis.wake import Wake
from retail.order.v1 import order_events_pb2 as pb
from tests.integration.chassis.conftest import Thing

NAME = "fulfillment-order"


@pytest.fixture
def consumer(database, broker, jetstream, heard, monkeypatch):  # noqa: ARG001
    monkeypatch.setattr(consumer_module, "HOLD_SECONDS", 0)
    monkeypatch.setattr(replay_module, "REST", timedelta())

    async def hear(events, tx):
        words = [(event.meta.aggregate_id, event.reason) for event in events]
        tx.after_commit(lambda: heard.extend(words))

    return Consumer(
        database,
        broker,
        listener="fulfillment",
        context="order",
        subscriptions=[Subscription(pb.OrderRejected, hear)],
    )


@pytest.fixture
def heard():
    return []


@pytest.fixture
def fetch(broker):
    """
    Return how to fetch what is there for the consumer.
    """

    async def some(count):
        inbox = await broker.jetstream().pull_subscribe_bind(durable=NAME, stream="RETAIL_ORDER")
        messages = []
        async with asyncio.timeout(10):
            while len(messages) < count:
                messages += await inbox.fetch(count - len(messages), timeout=5)
        await inbox.unsubscribe()
        return await read_deliveries(messages)

    return some


async def lose(broker, database, version):
    """
    Publish what waits, and lose the event of *version*.
    """
    while await relay_batch(database, broker, context="order"):
        pass
    async with database.begin() as tx:
        rows = await tx.rows(
            text("SELECT stream_sequence FROM published_events WHERE aggregate_version = :v"),
            {"v": version},
        )
    for row in rows:
        await broker.jetstream().delete_msg("RETAIL_ORDER", row.stream_sequence)


async def missing(database):
    async with database.begin() as tx:
        rows = await tx.rows(
            text("SELECT version, put_aside FROM inbox WHERE missing_since IS NOT NULL")
        )
    return [(row.version, row.put_aside) for row in rows]


async def test_a_lost_event_is_asked_for_and_the_rest_flows_meanwhile(
    database, broker, tell, consumer, running, heard, monkeypatch
):
    monkeypatch.setattr(consumer_module, "EARLY_SECONDS", 0.05)
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 3)
    thing, other = Thing(), Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"))
    await lose(broker, database, 2)
    await tell((other, "else"))
    running(consumer.run())
    async with asyncio.timeout(10):
        while not await missing(database):
            await asyncio.sleep(0.02)
    while await relay_batch(database, broker, context="order"):
        pass
    async with asyncio.timeout(10):
        while len(heard) < 2:
            await asyncio.sleep(0.02)
    assert sorted(word for _, word in heard) == ["else", "one"]

    # Only now does the publisher answer.
    running(answer_replay_requests(database, broker, context="order", told=Wake()))

    async with asyncio.timeout(20):
        while len(heard) < 4:
            await relay_batch(database, broker, context="order")
            await asyncio.sleep(0.02)
    assert [word for id_, word in heard if id_ == str(thing.id)] == ["one", "two", "three"]
    assert await missing(database) == []


async def test_an_early_event_waits_before_its_elder_is_taken_for_lost(
    database, broker, tell, consumer, fetch
):
    await tell((Thing(), "one"))
    await tell(*((thing, word) for thing in [Thing()] for word in ("one", "two")))
    while await relay_batch(database, broker, context="order"):
        pass
    deliveries = await fetch(3)

    await consumer.handle([d for d in deliveries if d.envelope.version == 2])

    assert await missing(database) == []
    assert [d.envelope.version for d in await fetch(1)] == [2]


async def test_what_was_put_aside_is_asked_for_even_if_its_elder_comes_at_the_last_moment(
    database, broker, tell, consumer, fetch, heard, monkeypatch, running
):
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 1)
    thing = Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"))
    while await relay_batch(database, broker, context="order"):
        pass
    one, two, three = await fetch(3)
    await consumer.handle([three])
    assert await missing(database) == [(0, 3)]

    await consumer.handle([one])
    await consumer.handle([two])

    assert await missing(database) == [(2, 3)]
    running(answer_replay_requests(database, broker, context="order", told=Wake()))
    async with asyncio.timeout(10):
        while not await ask_for_missing(database, broker, consumer=NAME, context="order"):
            await asyncio.sleep(0.1)
    await relay_batch(database, broker, context="order")
    await consumer.handle(await fetch(1))
    assert [word for _, word in heard] == ["one", "two", "three"]
    assert await missing(database) == []


async def test_an_event_whose_elder_is_being_tried_again_is_not_taken_for_lost(
    database, broker, tell, consumer, fetch, monkeypatch
):
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 1)
    thing = Thing()
    await tell((thing, "one"), (thing, "two"))
    while await relay_batch(database, broker, context="order"):
        pass
    _, two = await fetch(2)
    async with database.begin() as tx:
        await tx.run(
            text(
                "INSERT INTO inbox (consumer, aggregate_id, version, attempts)"
                " VALUES (:c, :a, 0, 2)"
            ),
            {"c": NAME, "a": thing.id},
        )

    await consumer.handle([two])

    assert await missing(database) == []


async def test_only_what_was_put_aside_is_settled_for_good(
    database, broker, tell, consumer, fetch, monkeypatch
):
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 2)
    thing = Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"))
    while await relay_batch(database, broker, context="order"):
        pass
    _, two, three = await fetch(3)
    await three.message.ack()
    await consumer.handle([two])
    (two,) = await fetch(1)
    (three,) = await fetch_as_new(broker, three)

    # The second one has come often enough to believe that its elder is lost, the third has not.
    await consumer.handle([two, three])

    assert await missing(database) == [(0, 2)]
    assert [d.envelope.version for d in await fetch(1)] == [3]


async def fetch_as_new(broker, delivery):
    """
    Have an event of the stream delivered for the first time, once more.
    """
    jetstream = broker.jetstream()
    sequence = delivery.message.metadata.sequence.stream
    message = await jetstream.get_msg("RETAIL_ORDER", sequence)
    headers = {k: v for k, v in message.headers.items() if not k.startswith("Nats-")}
    await jetstream.publish(message.subject, message.data, headers=headers)
    inbox = await jetstream.pull_subscribe_bind(durable=NAME, stream="RETAIL_ORDER")
    found = await read_deliveries(await inbox.fetch(1, timeout=5))
    await inbox.unsubscribe()
    return found


async def test_an_elder_that_failed_and_was_then_lost_is_asked_for_in_the_end(
    database, broker, tell, consumer, fetch, monkeypatch
):
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 1)
    monkeypatch.setattr(consumer_module, "LOST_AFTER_FAILING", 2)
    thing = Thing()
    await tell((thing, "one"), (thing, "two"))
    while await relay_batch(database, broker, context="order"):
        pass
    one, two = await fetch(2)
    await one.message.term()
    async with database.begin() as tx:
        await count_attempt(tx, NAME, thing.id, 1)
    await consumer.handle([two])
    assert await missing(database) == []

    await consumer.handle(await fetch(1))

    assert await missing(database) == [(0, 2)]


async def test_what_the_publisher_has_forgotten_becomes_a_letter_that_can_be_discarded(
    database, broker, tell, consumer, fetch, heard, monkeypatch, running
):
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 1)
    thing = Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"))
    while await relay_batch(database, broker, context="order"):
        pass
    one, two, three = await fetch(3)
    await consumer.handle([one])
    await two.message.term()
    await consumer.handle([three])
    async with database.begin() as tx:
        await tx.run(text("DELETE FROM published_events WHERE aggregate_version = 2"))
    running(answer_replay_requests(database, broker, context="order", told=Wake()))
    await asyncio.sleep(0.1)
    await ask_for_missing(database, broker, consumer=NAME, context="order")
    async with database.begin() as tx:
        (letter,) = await decisions.find(tx)
    assert (letter.aggregate_version, letter.cause) == (2, "forgotten by its publisher")

    async def decide(what):
        async with database.begin() as tx:
            await decisions.wish(tx, [letter.id], what, actor="ann", note="gone")
        await redrive_some(database, consumer=NAME, handlers=consumer._handlers)

    await decide("redrive")
    assert [word for _, word in heard] == ["one"]
    await decide("discard")

    # The third one was put aside: it is asked for, and comes.
    assert await missing(database) == [(2, 3)]
    await ask_for_missing(database, broker, consumer=NAME, context="order")
    await relay_batch(database, broker, context="order")
    await consumer.handle(await fetch(1))
    assert [word for _, word in heard] == ["one", "three"]


async def test_what_was_put_aside_before_a_letter_comes_after_it_was_redriven(
    database, broker, tell, consumer, fetch, heard, monkeypatch
):
    monkeypatch.setattr(consumer_module, "LOST_AFTER", 1)
    monkeypatch.setattr(consumer_module, "MOST_ATTEMPTS", 1)
    thing = Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"))
    while await relay_batch(database, broker, context="order"):
        pass
    one, two, three = await fetch(3)
    await consumer.handle([one])
    await consumer.handle([three])
    assert await missing(database) == [(1, 3)]
    await consumer._fail(two, ValueError("cannot digest this"))
    async with database.begin() as tx:
        (letter,) = await decisions.find(tx)
        await decisions.wish(tx, [letter.id], "redrive", actor="ann", note="")

    await redrive_some(database, consumer=NAME, handlers=consumer._handlers)

    assert [word for _, word in heard] == ["one", "two"]
    assert await missing(database) == [(2, 3)]


@pytest.mark.usefixtures("jetstream")
async def test_who_asks_again_at_once_gets_no_second_copy(
    database, broker, tell, monkeypatch, running
):
    thing = Thing()
    await tell((thing, "one"))
    await relay_batch(database, broker, context="order")
    running(answer_replay_requests(database, broker, context="order", told=Wake()))
    await asyncio.sleep(0.1)

    first = await ask_for_replay(broker, "order", NAME, [(thing.id, 1)])
    monkeypatch.setattr(replay_module, "REST", timedelta())
    then = await ask_for_replay(broker, "order", NAME, [(thing.id, 1)])

    assert (first.events, first.unknown) == (0, [])
    assert (then.events, then.unknown) == (1, [])
