"""The command-line tools for events, as people run them."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from chassis.events import consumer as consumer_module
from chassis.events.consumer import Consumer
from chassis.events.handlers import Subscription
from chassis.events.relay import relay_batch
from retail.order.v1 import order_events_pb2 as pb
from tests.integration.chassis.conftest import Thing


class Diner:
    def __init__(self):
        self.poison = {"poison"}
        self.heard = []

    async def take(self, events, tx):
        words = [event.reason for event in events]
        if self.poison & set(words):
            raise ValueError("cannot digest this")
        tx.after_commit(lambda: self.heard.extend(words))


@pytest.fixture
def diner():
    return Diner()


@pytest.fixture
def tool(migrated):
    """
    Return how to run the tool on the order service's database.
    """

    async def run(*arguments):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chassis.events", *arguments),
            env=os.environ | {"DATABASE_URL": (await migrated("order")).app},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode, output.decode()

    return run


@pytest.fixture
async def letters(database, broker, jetstream, tell, running, diner, monkeypatch):  # noqa: ARG001
    """
    Two letters of one cause, one behind them, and a listener that sees to them.
    """
    monkeypatch.setattr(consumer_module, "MOST_ATTEMPTS", 1)
    monkeypatch.setattr(consumer_module, "SWEEP_SECONDS", 0.1)
    one, two = Thing(), Thing()
    await tell((one, "poison"), (one, "behind"), (two, "poison"))
    await relay_batch(database, broker, context="order")
    running(
        Consumer(
            database,
            broker,
            listener="fulfillment",
            context="order",
            subscriptions=[Subscription(pb.OrderRejected, diner.take)],
        ).run()
    )

    async def count():
        async with database.begin() as tx:
            (row,) = await tx.rows(
                text("SELECT count(*) AS n FROM dead_letters WHERE resolution = ''")
            )
        return row.n

    async with asyncio.timeout(15):
        while await count() < 3:
            await asyncio.sleep(0.05)
    return count


async def test_letters_are_listed_by_cause_for_people_and_for_machines(tool, letters):  # noqa: ARG001
    code, output = await tool("dead-letters")
    assert code == 0
    assert "ValueError in test_tools.take" in output
    assert "behind another letter" in output

    code, output = await tool("dead-letters", "--json")

    assert [(group["cause"], group["letters"]) for group in json.loads(output)] == [
        ("ValueError in test_tools.take", 2),
        ("behind another letter", 1),
    ]


async def test_nothing_is_redriven_without_a_yes(tool, letters, diner):
    diner.poison.clear()

    code, output = await tool("dead-letters", "redrive", "--all")

    assert code == 0
    assert "Would redrive 3 letters. Say --yes to do it." in output
    assert (await letters(), diner.heard) == (3, [])


async def test_a_group_is_redriven_and_who_decided_is_in_the_history(tool, letters, diner):
    diner.poison.clear()
    _, output = await tool("dead-letters", "--json")
    example = json.loads(output)[0]["example"]

    code, output = await tool(
        *("dead-letters", "redrive", "--like", example, "--yes", "--by", "ann"),
        *("--reason", "fixed in 1.2"),
    )

    assert (code, output) == (0, "2 letters done, 0 failed again, 0 waiting.\n")
    assert sorted(diner.heard) == ["behind", "poison", "poison"]
    assert await letters() == 0
    _, output = await tool("dead-letters", "show", example)
    assert "ann: redrive  fixed in 1.2" in output
    assert "listener: redriven  took effect" in output


async def test_letters_that_fail_again_are_told_from_those_that_do_not(tool, letters):
    code, output = await tool("dead-letters", "redrive", "--all", "--yes")

    assert code == 1
    assert "failed again" in output
    assert await letters() == 3


async def test_a_letter_is_given_up_only_with_a_reason(tool, letters, diner):
    _, output = await tool("dead-letters", "--json")
    example = json.loads(output)[0]["example"]
    for unsaid in ((), ("--reason", " ")):
        code, output = await tool("dead-letters", "discard", example, "--yes", *unsaid)
        assert code == 2
    assert "--reason" in output
    assert await letters() == 3

    code, output = await tool(
        *("dead-letters", "discard", "--like", example, "--yes", "--reason", "test data")
    )

    assert (code, output) == (0, "2 letters done, 0 failed again, 0 waiting.\n")
    async with asyncio.timeout(5):
        while diner.heard != ["behind"]:
            await asyncio.sleep(0.05)


async def test_a_letter_that_is_not_there_is_an_error(tool, letters):  # noqa: ARG001
    nobody = "00000000-0000-0000-0000-000000000000"

    assert (await tool("dead-letters", "show", nobody))[0] == 1
    assert (await tool("dead-letters", "redrive", nobody, "--yes"))[0] == 1


@pytest.fixture
async def published(database, broker, jetstream, tell):  # noqa: ARG001
    things = [Thing() for _ in range(3)]
    for word in ("one", "two"):
        await tell(*((thing, word) for thing in things))
        await relay_batch(database, broker, context="order")
    return things


async def waiting(database):
    async with database.begin() as tx:
        rows = await tx.rows(text("SELECT aggregate_id, aggregate_version FROM outbox"))
    return {(row.aggregate_id, row.aggregate_version) for row in rows}


async def test_a_replay_is_only_shown_without_a_yes(tool, published, database):  # noqa: ARG001
    code, output = await tool("replay", "--since", "2026-01-01")

    assert (code, output) == (
        0,
        "Would publish 6 events of 3 aggregates once more. Say --yes to do it.\n",
    )
    assert await waiting(database) == set()


async def test_one_aggregate_is_told_again_from_a_version_on(tool, published, database):
    thing = published[1]

    code, _ = await tool(
        "replay", "--aggregate", str(thing.id), "--from-version", "2", "--yes", "--by", "ann"
    )

    assert code == 0
    assert await waiting(database) == {(thing.id, 2)}
    async with database.begin() as tx:
        (record,) = await tx.rows(text("SELECT actor, what, events FROM replays"))
    assert (record.actor, record.events) == ("ann", 1)
    assert str(thing.id) in record.what


async def test_a_range_of_the_stream_is_told_again_with_what_came_after_it(
    tool, published, database, broker
):
    first = (await broker.jetstream().stream_info("RETAIL_ORDER")).state.first_seq
    places = f"{first}-{first + 1}"

    code, output = await tool("replay", "--sequences", places, "--yes", "--json")

    assert code == 0
    assert json.loads(output.splitlines()[-1]) == {
        "events": 4,
        "aggregates": 2,
        "published": True,
    }
    assert await waiting(database) == {
        (thing.id, version) for thing in published[:2] for version in (1, 2)
    }


async def test_going_on_after_an_interruption_repeats_nothing(tool, published, database, broker):
    until = datetime.now(UTC).isoformat()
    await tool("replay", "--aggregate", str(published[0].id), "--until", until, "--yes")
    await relay_batch(database, broker, context="order")

    code, _ = await tool("replay", "--since", "2026-01-01", "--until", until, "--yes")

    assert code == 0
    assert {id_ for id_, _ in await waiting(database)} == {thing.id for thing in published[1:]}


async def test_nothing_to_replay_is_said(tool, published):  # noqa: ARG001
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    code, output = await tool("replay", "--since", tomorrow.isoformat(), "--yes")

    assert (code, output) == (1, "The record holds no such events.\n")
