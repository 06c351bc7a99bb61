import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.events import consumer as consumer_module
from chassis.events.consumer import Consumer
from chassis.events.delivery import read_deliveries
from chassis.events.handlers import Subscription
from chassis.events.inbox import count_attempt
from chassis.events.relay import relay_batch
from retail.order.v1 import order_events_pb2 as pb
from tests.integration.chassis.conftest import Thing


class Ledger:
    """
    What took effect: written by the handler inside the inbox's own transaction.
    """

    def __init__(self, database) -> None:
        self.database = database
        self.poison = set()
        self.raises = ValueError("cannot digest this")
        self.down = False

    async def write(self, events, tx):
        if self.down:
            raise OSError("something is away")
        for event in events:
            if event.reason in self.poison:
                raise self.raises
        await tx.run(
            text(
                "INSERT INTO order_timeline (order_id, number, at, what, cause, trace_id)"
                " SELECT id, version, now(), what, '', ''"
                " FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS integer[]),"
                " CAST(:words AS text[])) AS new (id, version, what)"
            ),
            {
                "ids": [UUID(event.meta.aggregate_id) for event in events],
                "versions": [event.meta.aggregate_version for event in events],
                "words": [event.reason for event in events],
            },
        )

    async def effects(self, thing):
        async with self.database.begin() as tx:
            rows = await tx.rows(
                text("SELECT what FROM order_timeline WHERE order_id = :id ORDER BY number"),
                {"id": thing.id},
            )
        return [row.what for row in rows]

    async def count(self):
        async with self.database.begin() as tx:
            (row,) = await tx.rows(text("SELECT count(*) AS n FROM order_timeline"))
        return row.n


@pytest.fixture
def ledger(database):
    return Ledger(database)


@pytest.fixture
def a_consumer(database, broker, jetstream, ledger):  # noqa: ARG001  (the streams are needed)
    def make():
        return Consumer(
            database,
            broker,
            listener="fulfillment",
            context="order",
            subscriptions=[Subscription(pb.OrderRejected, ledger.write)],
        )

    return make


async def publish(database, broker):
    while await relay_batch(database, broker, context="order"):
        pass


async def until(condition, seconds=15):
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_events_take_effect_once_and_in_order(
    database, broker, tell, ledger, a_consumer, running
):
    things = [Thing() for _ in range(30)]
    for word in ("one", "two", "three"):
        await tell(*((thing, word) for thing in things))
    await publish(database, broker)

    running(a_consumer().run())

    await until(lambda: has(ledger, 90))
    for thing in things:
        assert await ledger.effects(thing) == ["one", "two", "three"]


async def has(ledger, count):
    return await ledger.count() >= count


async def test_a_redelivered_event_has_no_second_effect(database, broker, tell, ledger, a_consumer):
    thing = Thing()
    await tell((thing, "one"))
    await publish(database, broker)
    # As after a crash between commit and acknowledgement: the message goes out again.
    consumer = a_consumer()
    inbox = await broker.jetstream().pull_subscribe_bind(
        durable="fulfillment-order", stream="RETAIL_ORDER"
    )
    (message,) = await inbox.fetch(1, timeout=2)
    async with database.begin() as tx:
        await ledger.write([pb.OrderRejected.FromString(message.data)], tx)
        await tx.run(
            text("INSERT INTO inbox (consumer, aggregate_id, version) VALUES (:c, :a, 1)"),
            {"c": "fulfillment-order", "a": thing.id},
        )

    await consumer.handle(await read_deliveries([message]))
    await broker.flush()
    info = await broker.jetstream().consumer_info("RETAIL_ORDER", "fulfillment-order")
    assert info.num_ack_pending == 0

    assert await ledger.effects(thing) == ["one"]


async def test_what_a_killed_listener_had_in_its_hands_is_delivered_again_within_seconds(
    database, broker, jetstream, tell, ledger, a_consumer, running
):
    await tell((Thing(), "one"))
    await publish(database, broker)
    killed = await jetstream.pull_subscribe_bind(durable="fulfillment-order", stream="RETAIL_ORDER")
    assert len(await killed.fetch(1, timeout=5)) == 1

    running(a_consumer().run())

    await until(lambda: has(ledger, 1), seconds=10)


async def test_two_replicas_share_the_work_without_doubling_it(
    database, broker, tell, ledger, a_consumer, running
):
    things = [Thing() for _ in range(20)]
    running(a_consumer().run())
    running(a_consumer().run())

    for number in range(10):
        await tell(*((thing, str(number)) for thing in things))
        await publish(database, broker)

    await until(lambda: has(ledger, 200))
    for thing in things:
        assert await ledger.effects(thing) == [str(number) for number in range(10)]


async def test_a_poison_event_becomes_a_dead_letter_and_the_rest_flows(
    database, broker, tell, ledger, a_consumer, running, monkeypatch
):
    monkeypatch.setattr(consumer_module, "MOST_ATTEMPTS", 3)
    bad, good = Thing(), Thing()
    ledger.poison.add("poison")
    await tell((bad, "fine"), (bad, "poison"), (bad, "behind"), (good, "one"), (good, "two"))
    await publish(database, broker)

    running(a_consumer().run())

    await until(lambda: letters(database, 2))
    assert await ledger.effects(bad) == ["fine"]
    assert await ledger.effects(good) == ["one", "two"]
    async with database.begin() as tx:
        rows = await tx.rows(text("SELECT * FROM dead_letters ORDER BY aggregate_version"))
    assert [(row.aggregate_version, row.attempts) for row in rows] == [(2, 3), (3, 0)]
    assert "cannot digest this" in rows[0].error
    assert "ValueError" in rows[0].stack


async def letters(database, count):
    async with database.begin() as tx:
        (row,) = await tx.rows(text("SELECT count(*) AS n FROM dead_letters"))
    return row.n >= count


async def test_an_outage_is_no_attempt(database, broker, tell, ledger, a_consumer, running):
    thing = Thing()
    ledger.down = True
    await tell((thing, "one"))
    await publish(database, broker)
    running(a_consumer().run())
    await asyncio.sleep(1)

    ledger.down = False

    await until(lambda: has(ledger, 1))
    async with database.begin() as tx:
        rows = await tx.rows(text("SELECT attempts FROM inbox"))
    assert [row.attempts for row in rows] == [0]


async def test_what_a_listener_does_not_know_is_passed_over(
    database, broker, tell, ledger, a_consumer, running
):
    consumer = a_consumer()
    consumer._handlers._subscriptions.clear()
    thing = Thing()
    await tell((thing, "one"))
    await publish(database, broker)

    running(consumer.run())

    async def passed():
        async with database.begin() as tx:
            rows = await tx.rows(text("SELECT version FROM inbox"))
        return [row.version for row in rows] == [1]

    await until(passed)
    assert await ledger.count() == 0


async def test_what_is_no_event_harms_nothing(database, broker, tell, ledger, a_consumer, running):
    await broker.jetstream().publish("retail.order.v1.OrderRejected", b"junk")
    thing = Thing()
    await tell((thing, "one"))
    await publish(database, broker)

    running(a_consumer().run())

    await until(lambda: has(ledger, 1))
    assert await ledger.effects(thing) == ["one"]


async def test_a_fault_of_the_operating_system_is_no_outage(
    database, broker, tell, a_consumer, ledger, running, monkeypatch
):
    monkeypatch.setattr(consumer_module, "MOST_ATTEMPTS", 2)
    ledger.raises = FileNotFoundError("template.txt")
    ledger.poison.add("poison")
    await tell((Thing(), "poison"), *((Thing(), "fine") for _ in range(20)))
    await publish(database, broker)

    running(a_consumer().run())

    await until(lambda: has(ledger, 20))
    await until(lambda: letters(database, 1))


async def test_what_is_away_for_one_event_only_stops_no_other(
    database, broker, tell, a_consumer, ledger, running, monkeypatch
):
    monkeypatch.setattr(consumer_module, "MOST_ATTEMPTS", 2)
    monkeypatch.setattr(consumer_module, "OUTAGES_BEFORE_DOUBT", 2)
    ledger.raises = TimeoutError("this one takes too long")
    ledger.poison.add("slow")
    await tell((Thing(), "slow"), *((Thing(), "fine") for _ in range(20)))
    await publish(database, broker)

    running(a_consumer().run())

    await until(lambda: has(ledger, 20))

    # Alone in its batch it might be an outage; among others that succeed it is none.
    async def until_letter():
        await tell((Thing(), "fine"))
        await publish(database, broker)
        await asyncio.sleep(0.2)
        return await letters(database, 1)

    await until(until_letter, seconds=40)


async def test_an_attempt_at_what_took_effect_meanwhile_is_not_counted(database, broker, tell):
    thing = Thing()
    await tell((thing, "one"))
    await publish(database, broker)
    async with database.begin() as tx:
        await tx.run(
            text("INSERT INTO inbox (consumer, aggregate_id, version) VALUES (:c, :a, 1)"),
            {"c": "fulfillment-order", "a": thing.id},
        )
        attempts = await count_attempt(tx, "fulfillment-order", thing.id, 1)

    assert attempts == 0
