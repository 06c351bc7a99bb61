"""
The relay: publishes what the outbox holds, in order for any one aggregate.

Events are spread over 64 partitions by aggregate. A relay locks the partitions it finds work in
for one transaction, publishes their events in the order they were written, moves them to the record
once JetStream has confirmed them, and lets go. Any number of relays share the work; a relay that
dies or freezes loses its locks with its transaction. A crash between the two repeats the publish:
JetStream drops the repeat by message id, and after its window the inbox does.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry.trace import SpanKind
from sqlalchemy import Row, text

from chassis.backoff import backoff_seconds
from chassis.events.broker import Broker
from chassis.events.headers import event_headers
from chassis.events.metrics import PUBLISHED, REFUSED_BATCHES, RELAY_LAG
from chassis.events.partitions import try_partitions_with_work
from chassis.events.publish import Outgoing, PublishRefused, publish_atomically, publish_singly
from chassis.events.record import COLUMNS, file_published
from chassis.storage.database import Database, Transaction
from chassis.telemetry.tracing import context_of, is_sampled, traceparent_of, tracer
from chassis.wake import Wake

log = logging.getLogger(__name__)

BATCH = 500
# What is published in a second or so: a lock that is held for too long is lost.
MOST_BATCH_BYTES = 16_000_000
# From so many on there is more where they came from.
RUSH = BATCH // 2
LANES = 3
SWEEP_SECONDS = 0.5
# After a batch, a moment for more to come: a lone event never waits, a stream of them shares
# transactions and syncs.
LINGER_SECONDS = 0.01

_SELECT = text(
    f"""
    SELECT {COLUMNS} FROM (
        SELECT *, sum(length(payload)) OVER (ORDER BY position) - length(payload) AS bytes_before
        FROM outbox WHERE partition = ANY(CAST(:partitions AS smallint[]))
        ORDER BY position LIMIT :limit
    ) AS first
    WHERE bytes_before < :bytes ORDER BY position
    """
)
_STILL_THERE = text("SELECT 1")


async def relay(database: Database, broker: Broker, *, context: str, told: Wake) -> None:
    """
    Publish outbox events until cancelled.

    Args:
        context: Which service speaks.
        told: Rung when a transaction has left events behind.
    """
    failures = 0
    while True:
        try:
            published = await relay_batch(database, broker, context=context)
            if published >= RUSH:
                await drain_outbox(database, broker, context=context)
        except Exception as error:  # whatever it is, the events are safe in the outbox
            failures += 1
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            log.warning("relay: cannot publish (%s: %s)", type(cause).__name__, cause)
            await asyncio.sleep(backoff_seconds(failures, most=2.0))
            continue
        failures = 0
        if published == 0:
            await told.wait(sweep_seconds=SWEEP_SECONDS)
        elif published < RUSH:
            await asyncio.sleep(LINGER_SECONDS)


async def relay_batch(database: Database, broker: Broker, *, context: str) -> int:
    """
    Publish up to 500 waiting events, and return how many there were.
    """
    async with database.begin() as tx:
        partitions = await try_partitions_with_work(tx, wanted=BATCH)
        if not partitions:
            return 0
        rows = await tx.rows(
            _SELECT, {"partitions": partitions, "limit": BATCH, "bytes": MOST_BATCH_BYTES}
        )
        if not rows:
            return 0
        sequences = await _publish(tx, broker, rows, context)
        await file_published(tx, [row.position for row in rows], sequences)
    PUBLISHED.labels(context).inc(len(rows))
    lag = RELAY_LAG.labels(context)
    now = datetime.now(UTC)
    for row in rows:
        if not row.replays:
            lag.observe(max(0.0, (now - row.occurred_at).total_seconds()))
    return len(rows)


async def drain_outbox(database: Database, broker: Broker, *, context: str) -> None:
    """
    Publish what waits, several batches at once: while one is filed the next one is published.
    """
    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(_relay_rush(database, broker, context))


async def _relay_rush(database: Database, broker: Broker, context: str) -> None:
    while await relay_batch(database, broker, context=context) >= RUSH:
        pass


async def _publish(
    tx: Transaction, broker: Broker, rows: Sequence[Row[Any]], context: str
) -> Sequence[int]:
    messages = [_message(row, context) for row in rows]
    if len(messages) > 1:
        try:
            return await publish_atomically(broker, messages)
        except PublishRefused as refusal:
            # Most likely some of them were published before a crash, and a batch with a repeat is
            # refused whole. One by one, each repeat is answered with its first sequence.
            REFUSED_BATCHES.labels(context).inc()
            log.info("relay: batch refused (%s), publishing one by one", refusal)
        # Or we were frozen, and what we had locked is somebody else's now: this fails then.
        await tx.rows(_STILL_THERE)
    return await publish_singly(broker, messages)


def _message(row: Row[Any], context: str) -> Outgoing:
    return Outgoing(row.subject, row.payload, _headers(row, context), row.partition)


def _headers(row: Row[Any], context: str) -> dict[str, str]:
    """
    Return the CloudEvents attributes (NATS protocol binding, binary mode) and the trace.
    """
    trace = row.trace
    if is_sampled(trace):
        span = tracer.start_span(
            f"publish {row.subject}",
            context=context_of(trace),
            kind=SpanKind.PRODUCER,
            attributes={
                "messaging.system": "nats",
                "messaging.destination.name": row.subject,
                "messaging.message.id": str(row.event_id),
            },
        )
        trace = traceparent_of(span)
        span.end()
    return event_headers(
        context=context,
        event_id=row.event_id,
        subject=row.subject,
        aggregate_id=row.aggregate_id,
        aggregate_version=row.aggregate_version,
        occurred_at=row.occurred_at,
        replays=row.replays,
        trace=trace,
    )
