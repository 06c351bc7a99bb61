import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from chassis.events import consumer as consumer_module
from chassis.events import dead_letters, decisions
from chassis.events import redrive as redrive_module
from chassis.events.consumer import Consumer
from chassis.events.delivery import Envelope
from chassis.events.handlers import Subscription
from chassis.events.inbox import count_attempt, park
from chassis.events.redrive import redrive_some
from chassis.events.relay import relay_batch
from chassis.kernel.ids import new_id
from retail.order.v1 import order_events_pb2 as pb
from tests.integration.chassis.conftest import Thing

NAME = "fulfillment-order"


pytestmark = pytest.mark.usefixtures("parked")


class Diner:
    """
    Takes in words but for those that it cannot digest.
    """

    def __init__(self):
        self.poison = set()
        self.said = "cannot digest poison"
        self.away = set()
        self.heard = []

    async def take(self, events, tx):
        for event in events:
            if event.reason in self.away:
                raise ConnectionError("the kitchen is closed")
            if event.reason in self.poison:
                raise ValueError(self.said)
        words = [event.reason for event in events]
        tx.after_commit(lambda: self.heard.extend(words))


@pytest.fixture
def diner():
    return Diner()


@pytest.fixture
def consumer(database, broker, jetstream, diner, monkeypatch):  # noqa: ARG001
    monkeypatch.setattr(consumer_module, "MOST_ATTEMPTS", 2)
    return Consumer(
        database,
        broker,
        listener="fulfillment",
        context="order",
        subscriptions=[Subscription(pb.OrderRejected, diner.take)],
    )


@pytest.fixture
def letters(database):
    async def read(**which):
        async with database.begin() as tx:
            return await decisions.find(tx, **which)

    return read


@pytest.fixture
async def parked(database, broker, tell, consumer, running, diner, letters):
    """
    A thing that waits behind its second event, which is poison; and two that are fine behind it.
    """
    thing = Thing()
    diner.poison.add("poison")
    await tell((thing, "fine"), (thing, "poison"), (thing, "third"), (thing, "fourth"))
    await relay_batch(database, broker, context="order")
    running(consumer._keep_listening())
    async with asyncio.timeout(20):
        while len(await letters()) < 3:
            await asyncio.sleep(0.02)
    return thing


@pytest.fixture
def decide(database, letters):
    """
    Return how to decide about the letters of some version, or about all.
    """

    async def decide_about(what, *versions):
        chosen = [
            letter.id
            for letter in await letters()
            if not versions or letter.aggregate_version in versions
        ]
        async with database.begin() as tx:
            return await decisions.wish(tx, chosen, what, actor="ann", note="because")

    return decide_about


@pytest.fixture
def redrive(database, consumer):
    async def once():
        return await redrive_some(database, consumer=NAME, handlers=consumer._handlers)

    return once


async def test_letters_are_grouped_by_what_caused_them(database):
    async with database.begin() as tx:
        groups = await decisions.groups(tx)

    assert [(group.cause, group.letters, group.aggregates) for group in groups] == [
        ("ValueError in test_dead_letters.take", 1, 1),
        ("behind another letter", 2, 1),
    ]


async def test_a_letter_whose_cause_is_gone_takes_effect_and_the_ones_behind_it_follow(
    parked, diner, decide, redrive, letters, tell, database, broker
):
    diner.poison.clear()

    assert await decide("redrive", 2) == 1
    await redrive()

    assert diner.heard == ["fine", "poison", "third", "fourth"]
    assert await letters() == []
    # And the aggregate flows again.
    await tell((parked, "fifth"))
    await relay_batch(database, broker, context="order")
    async with asyncio.timeout(10):
        while diner.heard[-1] != "fifth":
            await asyncio.sleep(0.02)


async def test_a_letter_that_fails_again_waits_for_another_decision(
    diner, decide, redrive, letters, database
):
    await decide("redrive")

    await redrive()

    assert diner.heard == ["fine"]
    first, *behind = await letters()
    assert (first.attempts, first.wish) == (3, "")
    assert len(behind) == 2
    async with database.begin() as tx:
        actions = await decisions.actions_on(tx, first.id)
    assert [(a.action, a.actor) for a in actions] == [("redrive", "ann"), ("failed", "listener")]
    assert actions[0].note == "because"
    assert "cannot digest poison" in actions[1].note


async def test_a_discarded_letter_has_no_effect_and_lets_the_others_pass(
    diner, decide, redrive, letters
):
    await decide("discard", 2)

    await redrive()

    assert diner.heard == ["fine", "third", "fourth"]
    assert await letters() == []
    resolved = await letters(resolved=True)
    assert [letter.resolution for letter in resolved] == ["discarded", "redriven", "redriven"]


async def test_a_letter_nobody_decided_about_stays(diner, redrive, letters):
    await redrive()

    assert diner.heard == ["fine"]
    assert len(await letters()) == 3


async def test_a_redrive_that_an_outage_cuts_short_goes_on(diner, decide, redrive, letters):
    diner.poison.clear()
    diner.away = {"third"}
    await decide("redrive", 2)
    with pytest.raises(ConnectionError, match="closed"):
        await redrive()
    assert diner.heard == ["fine", "poison"]

    diner.away = set()
    await redrive()

    assert diner.heard == ["fine", "poison", "third", "fourth"]
    assert await letters() == []


async def test_an_aggregate_whose_redrive_died_at_the_very_end_is_let_go(
    diner, decide, redrive, database, monkeypatch
):
    diner.poison.clear()
    await decide("redrive", 2)

    async def die(*_):
        raise ConnectionError("the database restarts")

    with monkeypatch.context() as patched:
        patched.setattr(redrive_module, "unpark", die)
        with pytest.raises(ConnectionError):
            await redrive()

    await redrive()

    async with database.begin() as tx:
        assert await tx.rows(text("SELECT 1 FROM inbox WHERE parked_at IS NOT NULL")) == []


async def test_letters_that_cannot_move_do_not_stand_in_the_way_of_others(
    diner, decide, redrive, letters, database, monkeypatch
):
    monkeypatch.setattr(redrive_module, "AT_ONCE", 1)
    await decide("redrive")
    await redrive()
    assert [letter.wish for letter in await letters()] == ["", "", ""]
    good = new_id()
    async with database.begin() as tx:
        envelope = Envelope(
            subject=pb.OrderRejected.DESCRIPTOR.full_name,
            event_id=new_id(),
            aggregate_id=good,
            version=1,
            occurred_at=datetime.now(UTC),
            payload=pb.OrderRejected(reason="good").SerializeToString(),
            trace="",
        )
        await count_attempt(tx, NAME, good, 1)
        await dead_letters.bury(tx, NAME, envelope, dead_letters.FORGOTTEN, attempts=8)
        await park(tx, NAME, good)
        (letter,) = await decisions.find(tx, aggregate_id=good)
        await decisions.wish(tx, [letter.id], "redrive", actor="bob", note="")

    await redrive()

    assert diner.heard == ["fine", "good"]


async def test_an_error_that_no_text_can_hold_is_written_down_all_the_same(
    diner, decide, redrive, letters
):
    diner.said = "cannot digest \x00"
    await decide("redrive", 2)

    await redrive()

    assert "cannot digest \\0" in (await letters())[0].error


async def test_two_replicas_redrive_once(diner, decide, redrive):
    diner.poison.clear()
    await decide("redrive")

    await asyncio.gather(redrive(), redrive(), redrive())

    assert diner.heard == ["fine", "poison", "third", "fourth"]


async def test_an_event_that_comes_while_its_aggregate_is_freed_is_not_left_behind(
    parked, diner, decide, redrive, letters, tell, database, broker
):
    diner.poison.clear()
    await decide("redrive", 2)
    for number in range(20):
        await tell((parked, f"late {number}"))

    await asyncio.gather(redrive(), relay_batch(database, broker, context="order"), redrive())

    async with asyncio.timeout(20):
        while len(diner.heard) < 24:
            await redrive()
            await asyncio.sleep(0.05)
    assert diner.heard[4:] == [f"late {number}" for number in range(20)]
    assert await letters() == []


async def test_a_letter_s_aggregate_may_miss_an_event_between_letters(
    diner, decide, redrive, database
):
    diner.poison.clear()
    async with database.begin() as tx:
        await tx.run(text("DELETE FROM dead_letters WHERE aggregate_version = 3"))
    await decide("redrive", 2)

    await redrive()

    assert diner.heard == ["fine", "poison"]
    async with database.begin() as tx:
        (mark,) = await tx.rows(text("SELECT version, put_aside, missing_since FROM inbox"))
    assert (mark.version, mark.put_aside) == (2, 4)
    assert mark.missing_since is not None


async def test_resolved_letters_are_forgotten_after_a_while(
    diner, decide, redrive, letters, database
):
    diner.poison.clear()
    await decide("redrive")
    await redrive()
    async with database.begin() as tx:
        await dead_letters.forget_resolved(tx)
    assert len(await letters(resolved=True)) == 3
    async with database.begin() as tx:
        await tx.run(text("UPDATE dead_letters SET resolved_at = now() - interval '91 days'"))

    async with database.begin() as tx:
        await dead_letters.forget_resolved(tx)

    assert await letters(resolved=True) == []
    async with database.begin() as tx:
        assert await tx.rows(text("SELECT id FROM dead_letter_actions")) == []
