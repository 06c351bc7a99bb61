import asyncio

import pytest
from sqlalchemy import text

from chassis.events import relay as relay_module
from chassis.events.outbox import Outbox
from chassis.events.relay import relay, relay_batch
from chassis.kernel.clock import system_clock
from chassis.storage.database import connect
from chassis.wake import Wake
from tests.integration.chassis.conftest import Thing, thing_to_wire


async def unpublished(database):
    async with database.begin() as tx:
        (row,) = await tx.rows(text("SELECT count(*) AS n FROM outbox"))
    return row.n


async def as_if_never_filed(database):
    columns = (
        "position, partition, event_id, aggregate_id, aggregate_version, subject, payload, trace,"
        " occurred_at, replays"
    )
    async with database.begin() as tx:
        await tx.run(
            text(
                f"WITH taken AS (DELETE FROM published_events RETURNING *)"
                f" INSERT INTO outbox ({columns}) OVERRIDING SYSTEM VALUE"
                f" SELECT {columns} FROM taken"
            )
        )


pytestmark = pytest.mark.usefixtures("jetstream")


async def test_events_are_published_in_order_and_filed_with_their_sequence(
    database, broker, tell, words_in
):
    thing = Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"))

    published = await relay_batch(database, broker, context="order")

    assert published == 3
    messages = await words_in()
    assert [word for word, _ in messages] == ["one", "two", "three"]
    async with database.begin() as tx:
        rows = await tx.rows(text("SELECT stream_sequence FROM published_events ORDER BY position"))
    first = (await broker.jetstream().stream_info("RETAIL_ORDER")).state.first_seq
    assert [row.stream_sequence for row in rows] == [first, first + 1, first + 2]


async def test_an_event_says_who_it_is_in_its_headers(database, broker, tell, words_in):
    thing = Thing()
    await tell((thing, "one"))

    await relay_batch(database, broker, context="order")

    ((_, headers),) = await words_in()
    assert headers["ce-type"] == "retail.order.v1.OrderRejected"
    assert headers["ce-source"] == "retail/order"
    assert headers["ce-subject"] == str(thing.id)
    assert headers["ce-sequence"] == "1"
    assert headers["ce-id"] == headers["Nats-Msg-Id"]


async def test_a_crash_between_publishing_and_filing_repeats_nothing_in_the_stream(
    database, broker, tell, words_in
):
    things = [Thing() for _ in range(20)]
    await tell(*((thing, "one") for thing in things))
    await relay_batch(database, broker, context="order")
    await as_if_never_filed(database)
    await tell(*((thing, "two") for thing in things))

    while await relay_batch(database, broker, context="order"):
        pass

    assert [word for word, _ in await words_in()] == ["one"] * 20 + ["two"] * 20
    assert await unpublished(database) == 0


async def test_three_relays_lose_nothing_and_keep_the_order_of_each_aggregate(
    migrated, database, broker, tell, words_in, running, monkeypatch
):
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 0.01)
    urls = await migrated("order")
    replicas = [connect(urls.app, application=f"relay-{n}") for n in range(3)]
    relays = [running(relay(replica, broker, context="order", told=Wake())) for replica in replicas]
    things = [Thing() for _ in range(40)]

    async def write(mine):
        for number in range(1, 26):
            await tell(*((thing, f"{thing.id} {number}") for thing in mine))

    await asyncio.gather(*(write(things[start::8]) for start in range(8)))
    async with asyncio.timeout(20):
        while await unpublished(database):
            await asyncio.sleep(0.05)

    messages = [word.split() for word, _ in await words_in()]
    assert len(messages) == 40 * 25
    for thing in things:
        told = [int(number) for id_, number in messages if id_ == str(thing.id)]
        assert told == list(range(1, 26))
    for task in relays:
        task.cancel()
    await asyncio.gather(*relays, return_exceptions=True)
    for replica in replicas:
        await replica.close()


async def test_a_relay_that_is_woken_does_not_wait_for_its_sweep(
    database, broker, words_in, running, monkeypatch
):
    monkeypatch.setattr(relay_module, "SWEEP_SECONDS", 60)
    told = Wake()
    running(relay(database, broker, context="order", told=told))
    await asyncio.sleep(0.2)

    async with database.begin() as tx:
        thing = Thing()
        thing.record("one")
        Outbox(tx, wake=told, clock=system_clock).tell(thing, thing_to_wire)

    async with asyncio.timeout(5):
        while not await words_in():
            await asyncio.sleep(0.02)
