"""Events a second: the relay beside raw publishing, the consumer beside raw pulling."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from uuid import uuid4

from nats.aio.msg import Msg

from chassis.events.broker import Broker
from chassis.events.consumer import BATCH as FETCH
from chassis.events.consumer import Consumer
from chassis.events.delivery import read_deliveries
from chassis.events.handlers import Subscription
from chassis.events.publish import Outgoing, publish_atomically
from chassis.events.relay import BATCH, drain_outbox, relay_batch
from chassis.events.streams import durable_of, stream_of
from chassis.storage.database import Database, Transaction
from deploy.local.event_bench.world import World
from retail.order.v1 import order_events_pb2 as pb

PAYLOAD = pb.OrderRejected(reason="x" * 280).SerializeToString()
SUBJECT = pb.OrderRejected.DESCRIPTOR.full_name

# Four events each of a new aggregate, as many as there is to be.
_FILL = """
INSERT INTO outbox (partition, event_id, aggregate_id, aggregate_version, subject, payload, trace,
    occurred_at)
SELECT ('x' || right(id::text, 2))::bit(8)::int % 64, gen_random_uuid(), id, version, $1, $2, '',
    now()
FROM (SELECT uuidv7() AS id FROM generate_series(1, $3 / 4)) AS aggregates,
    generate_series(1, 4) AS version
"""
_FILL_HISTORY = """
INSERT INTO published_events (position, partition, event_id, aggregate_id, aggregate_version,
    subject, payload, trace, occurred_at, replays, published_at, stream_sequence)
SELECT -n, n % 64, uuidv7(at - now()), uuidv7(at - now()), 1, $1, $2, '', at, 0, at, -n
FROM (
    SELECT n, now() - (n % 14) * interval '1 day' AS at FROM generate_series(1, $3::bigint) AS n
) AS days
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """
    A rate and its limit, both in events a second: medians of as many rounds each, in turns.
    """

    ours: float
    limit: float

    @property
    def ratio(self) -> float:
        return round(self.ours / self.limit, 2)


async def relay_beside_raw(
    world: World, database: Database, broker: Broker, *, events: int, rounds: int
) -> Beside:
    """
    Measure the relay that empties an outbox, beside atomic batches of the same messages that are
    made up in memory.
    """
    ours, limits = [], []
    for _ in range(rounds):
        limits.append(await _raw_publishes(broker, events))
        await world.execute(_FILL, SUBJECT, PAYLOAD, events)
        began = time.perf_counter()
        await _empty_outbox(database, broker)
        ours.append(events / (time.perf_counter() - began))
    return Beside(round(median(ours)), round(median(limits)))


async def consumer_beside_raw(
    world: World,
    telling: Database,
    hearing: Database,
    broker: Broker,
    *,
    events: int,
    rounds: int,
) -> Beside:
    """
    Measure a consumer whose handler does nothing, beside fetching and acknowledging the same
    messages.
    """
    heard = 0

    async def hear(some: Sequence[pb.OrderRejected], _tx: Transaction) -> None:
        nonlocal heard
        heard += len(some)

    consumer = Consumer(
        hearing,
        broker,
        listener="fulfillment",
        context="order",
        subscriptions=[Subscription(pb.OrderRejected, hear)],
    )

    async def consume(messages: Sequence[Msg]) -> None:
        await consumer.handle(await read_deliveries(messages))

    ours: list[float] = []
    limits: list[float] = []
    await broker.jetstream().purge_stream(stream_of("order"))
    for _ in range(rounds):
        for handle, rates in ((_acknowledge, limits), (consume, ours)):
            await world.execute(_FILL, SUBJECT, PAYLOAD, events)
            await _empty_outbox(telling, broker)
            rates.append(await _fetches(broker, events, handle))
    assert heard == events * rounds
    return Beside(round(median(ours)), round(median(limits)))


async def keep_history(world: World, events: int) -> None:
    """
    Fill the record with *events* that were published in the last 14 days.
    """
    await world.execute("SELECT open_event_days(current_date - 15, current_date + 3)")
    await world.execute(_FILL_HISTORY, SUBJECT, PAYLOAD, events)
    # What this leaves behind is done now, not while something is measured.
    await world.execute("VACUUM ANALYZE published_events")
    await world.execute("CHECKPOINT")


async def _raw_publishes(broker: Broker, events: int) -> float:
    batches = [[_message() for _ in range(BATCH)] for _ in range(events // BATCH)]
    began = time.perf_counter()
    for batch in batches:
        await publish_atomically(broker, batch)
    return len(batches) * BATCH / (time.perf_counter() - began)


def _message() -> Outgoing:
    # As the relay's are, but made beforehand: the limit is JetStream and its client alone.
    event_id = str(uuid4())
    headers = {
        "Nats-Msg-Id": event_id,
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-source": "retail/order",
        "ce-type": SUBJECT,
        "ce-subject": str(uuid4()),
        "ce-sequence": "1",
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-datacontenttype": "application/protobuf",
    }
    return Outgoing(SUBJECT, PAYLOAD, headers)


async def _empty_outbox(database: Database, broker: Broker) -> None:
    await drain_outbox(database, broker, context="order")
    while await relay_batch(database, broker, context="order"):
        pass


async def _fetches(
    broker: Broker, events: int, handle: Callable[[Sequence[Msg]], Awaitable[None]]
) -> float:
    inbox = await broker.jetstream().pull_subscribe_bind(
        durable=durable_of("fulfillment", "order"), stream=stream_of("order")
    )
    began = time.perf_counter()
    count = 0
    while count < events:
        messages = await inbox.fetch(FETCH, timeout=5)
        await handle(messages)
        count += len(messages)
    seconds = time.perf_counter() - began
    await inbox.unsubscribe()
    return events / seconds


async def _acknowledge(messages: Sequence[Msg]) -> None:
    for message in messages:
        await message.ack()
