import asyncio
from contextlib import suppress

import pytest
from nats.js.errors import NotFoundError
from sqlalchemy import text

from chassis.events import publisher as publisher_module
from chassis.events.publisher import Publisher
from chassis.events.relay import relay_batch
from chassis.events.repair import repair_stream
from chassis.events.streams import provision
from chassis.wake import Wake
from tests.integration.chassis.conftest import Thing

LISTENERS = {"order": ("fulfillment",), "fulfillment": ("order",)}


@pytest.fixture
def things():
    return [Thing() for _ in range(20)]


@pytest.fixture
def repair(database, broker, jetstream):  # noqa: ARG001  (the streams are needed)
    """
    Return how to repair the order stream once, and publish what that puts back.
    """

    async def run():
        repaired = await repair_stream(database, broker, context="order", told=Wake())
        await publish(database, broker)
        return repaired

    return run


async def publish(database, broker):
    while await relay_batch(database, broker, context="order"):
        pass


async def recreate(jetstream):
    with suppress(NotFoundError):
        await jetstream.delete_stream("RETAIL_ORDER")
    await provision(
        jetstream, contexts=("product", "order", "payment", "fulfillment"), listeners=LISTENERS
    )


def by_thing(messages, things):
    return [
        [word for word, headers in messages if headers["ce-subject"] == str(thing.id)]
        for thing in things
    ]


async def test_a_whole_stream_is_left_alone(database, broker, tell, words_in, repair, things):
    await tell(*((thing, "one") for thing in things))
    await publish(database, broker)

    assert [await repair(), await repair()] == [0, 0]

    assert len(await words_in()) == 20


async def test_a_stream_that_was_recreated_is_filled_again(
    database, broker, jetstream, tell, words_in, repair, things
):
    for word in ("one", "two"):
        await tell(*((thing, word) for thing in things))
    await publish(database, broker)
    await repair()
    await recreate(jetstream)

    assert await repair() == 40

    assert by_thing(await words_in(), things) == [["one", "two"]] * 20
    assert await repair() == 0


async def test_what_came_after_the_loss_comes_again_behind_what_was_lost(
    database, broker, jetstream, tell, words_in, repair, things
):
    await tell(*((thing, "one") for thing in things))
    await publish(database, broker)
    await repair()
    await recreate(jetstream)
    # Before anybody has looked.
    await tell(*((thing, "two") for thing in things))
    await publish(database, broker)

    assert await repair() == 40

    assert by_thing(await words_in(), things) == [["two", "one", "two"]] * 20
    assert await in_order(database)
    assert await repair() == 0


async def in_order(database):
    async with database.begin() as tx:
        rows = await tx.rows(
            text(
                "SELECT aggregate_id, aggregate_version FROM published_events"
                " ORDER BY aggregate_id, stream_sequence"
            )
        )
    return rows == sorted(rows)


async def test_a_stream_that_has_lost_its_tail_gets_it_back(
    database, broker, jetstream, tell, words_in, repair, things
):
    await tell(*((thing, "one") for thing in things))
    await publish(database, broker)
    await repair()
    # As after the loss: what the record has last is beyond the end of the stream.
    last = (await jetstream.stream_info("RETAIL_ORDER")).state.last_seq
    for sequence in range(last - 4, last + 1):
        await jetstream.delete_msg("RETAIL_ORDER", sequence)
    async with database.begin() as tx:
        await tx.run(
            text(
                "UPDATE published_events SET stream_sequence = stream_sequence + 1000"
                " WHERE stream_sequence > :kept"
            ),
            {"kept": last - 5},
        )

    assert await repair() == 5

    assert by_thing(await words_in(), things) == [["one"]] * 20
    assert await repair() == 0


async def test_a_place_that_was_given_out_twice_is_looked_into(
    database, broker, tell, words_in, repair, things
):
    await tell(*((thing, "one") for thing in things))
    await publish(database, broker)
    await repair()
    # As if the stream had gone backwards: older events stand at places that come now.
    async with database.begin() as tx:
        await tx.run(text("UPDATE published_events SET stream_sequence = stream_sequence + 20"))
    others = [Thing() for _ in range(20)]
    await tell(*((thing, "else") for thing in others))
    await publish(database, broker)

    assert await repair() == 20

    assert by_thing(await words_in(), things) == [["one", "one"]] * 20
    assert await repair() == 0


async def test_what_was_purged_on_purpose_stays_away(
    database, broker, jetstream, tell, words_in, repair, things
):
    await tell(*((thing, "one") for thing in things))
    await publish(database, broker)
    await repair()
    await jetstream.purge_stream("RETAIL_ORDER")

    assert await repair() == 0

    assert await words_in() == []


async def test_two_repairers_at_once_put_back_once(
    database, broker, jetstream, tell, repair, things
):
    await tell(*((thing, "one") for thing in things))
    await publish(database, broker)
    await repair()
    await recreate(jetstream)

    repaired = await asyncio.gather(
        *(repair_stream(database, broker, context="order", told=Wake()) for _ in range(3))
    )

    assert sum(repaired) == 20


async def test_a_publisher_repairs_by_itself(
    database, broker, jetstream, tell, words_in, running, things, monkeypatch
):
    monkeypatch.setattr(publisher_module, "CHECK_SECONDS", 0.1)
    await tell(*((thing, "one") for thing in things))
    running(Publisher(database, broker, context="order", told=Wake()).run())
    async with asyncio.timeout(10):
        while len(await words_in()) < 20:
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)

    await recreate(jetstream)

    async with asyncio.timeout(10):
        while len(await words_in()) < 20:
            await asyncio.sleep(0.05)
