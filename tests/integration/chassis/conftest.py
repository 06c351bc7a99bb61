"""A small domain of our own on the order service's database: a thing that is told about."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from chassis.events import streams
from chassis.events.outbox import Outbox
from chassis.kernel.aggregate import Aggregate
from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.wake import Wake
from retail.order.v1 import order_events_pb2 as pb


@dataclass(kw_only=True, eq=False)
class Thing(Aggregate[str]):
    id: UUID = field(default_factory=new_id)


def thing_to_wire(word):
    return pb.OrderRejected(reason=word)


@pytest.fixture
async def database(database_of):
    return await database_of("order")


@pytest.fixture
async def jetstream(broker):
    """
    JetStream with empty streams, and consumers that begin at their beginning.
    """
    jetstream = broker.jetstream()
    for context in ("order", "fulfillment"):
        with suppress(NotFoundError):
            await jetstream.delete_stream(streams.stream_of(context))
    await streams.provision(
        jetstream,
        contexts=("product", "order", "payment", "fulfillment"),
        listeners={"order": ("fulfillment",), "fulfillment": ("order",)},
    )
    return jetstream


@pytest.fixture
def tell(database):
    """
    Return how to tell words about things, in one transaction.
    """

    async def tell_words(*pairs):
        async with database.begin() as tx:
            outbox = Outbox(tx, wake=Wake(), clock=system_clock)
            for thing, word in pairs:
                thing.record(word)
                outbox.tell(thing, thing_to_wire)

    return tell_words


@pytest.fixture
def words_in(jetstream):
    """
    Return the words that the order stream holds, in order, with their headers.
    """

    async def read():
        info = await jetstream.stream_info("RETAIL_ORDER")
        if not info.state.messages:
            return []
        config = ConsumerConfig(inactive_threshold=5)
        inbox = await jetstream.pull_subscribe("retail.order.v1.>", config=config)
        messages = []
        while len(messages) < info.state.messages:
            messages += await inbox.fetch(1000, timeout=2)
        return [(pb.OrderRejected.FromString(m.data).reason, m.headers) for m in messages]

    return read


@pytest.fixture
async def running():
    """
    Return how to run something in the background until the test ends.
    """
    tasks = []

    def start(coroutine):
        task = asyncio.create_task(coroutine)
        tasks.append(task)
        return task

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
