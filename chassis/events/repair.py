"""
A stream that lost something is filled again, by itself.

JetStream's copy may be recreated empty, come back from an older disk, or lose its tail; the record
in PostgreSQL does not forget. Every few seconds the two are compared by their ends. If the stream
is another one than before, ends before the record does, or has given out a place twice, it is read
through and compared event by event, and what it lacks is published once more (ADR-0016).

What an administrator purged, or what has aged out at its front, is gone on purpose and stays so.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from nats.aio.client import Client
from nats.js.api import StreamInfo
from sqlalchemy import Row, text

from chassis.events.metrics import REPLAYED, STREAM_LOSSES
from chassis.events.put_back import Tail, put_back, wait_for_room
from chassis.events.stored import stored_events
from chassis.events.streams import stream_of
from chassis.storage.database import Database
from chassis.wake import Wake

log = logging.getLogger(__name__)

CHECK_SECONDS = 5.0
PAGE = 5_000

_STATE = text(
    """
    SELECT created, suspicions, cleared, clock_timestamp() AS now,
        (SELECT max(stream_sequence) FROM published_events) AS last_sequence
    FROM stream_state
    """
)
_CLEAR = text(
    """
    UPDATE stream_state SET created = :created, cleared = greatest(cleared, :suspicions)
    """
)
_NOTE = text("UPDATE stream_state SET created = :created WHERE created = ''")
_PAGE = text(
    """
    SELECT aggregate_id, aggregate_version, event_id, stream_sequence FROM published_events
    WHERE (stream_sequence, event_id) > (:sequence, CAST(:event_id AS uuid))
        AND published_at < :began
    ORDER BY stream_sequence, event_id LIMIT :limit
    """
)


async def note_stream(database: Database, broker: Client, *, context: str) -> None:
    """
    Note which stream it is that we publish to, if that was never done: a later one is another.
    """
    info = await broker.jetstream().stream_info(stream_of(context))
    async with database.begin() as tx:
        await tx.run(_NOTE, {"created": _created(info)})


async def repair_stream(database: Database, broker: Client, *, context: str, told: Wake) -> int:
    """
    Compare the stream of *context* with the record, by its end or, where that doesn't fit, as a
    whole; put back into the outbox what it lacks, and return how many events that were.

    Done twice at once, it puts nothing back twice: who comes second finds it gone.

    Args:
        told: Rung when events were put back.
    """
    # The record first: what it holds now is in the stream, unless the stream has lost it.
    async with database.begin() as tx:
        (state,) = await tx.rows(_STATE)
    info = await broker.jetstream().stream_info(stream_of(context))
    created = _created(info)
    anew = state.created not in ("", created)
    reasons = [
        f"it was created at {created}, not at {state.created}" if anew else "",
        f"it ends at {info.state.last_seq}, the record at {state.last_sequence}"
        if (state.last_sequence or 0) > info.state.last_seq
        else "",
        "it has given out a place twice" if state.suspicions > state.cleared else "",
    ]
    repaired = 0
    if any(reasons):
        STREAM_LOSSES.labels(context).inc()
        log.warning("stream of %s: %s; reading it", context, ", ".join(filter(None, reasons)))
        # Below its first place is what was purged or has aged out; not so in a stream made anew.
        first = 0 if anew else info.state.first_seq
        repaired = await _refill(database, broker, context, first=first, began=state.now, told=told)
        log.warning("stream of %s: %s events were missing", context, f"{repaired:,}")
    elif state.created == created:
        return 0
    async with database.begin() as tx:
        await tx.run(_CLEAR, {"created": created, "suspicions": state.suspicions})
    return repaired


async def _refill(
    database: Database,
    broker: Client,
    context: str,
    *,
    first: int,
    began: datetime,
    told: Wake,
) -> int:
    repaired = 0
    async for page in _pages(database, began):
        present = {
            (event.sequence, event.event_id)
            async for event in stored_events(
                broker, context, first=page[0].stream_sequence, last=page[-1].stream_sequence
            )
        }
        missing = [
            Tail(row.aggregate_id, row.aggregate_version, sequence=row.stream_sequence)
            for row in page
            if row.stream_sequence >= first and (row.stream_sequence, row.event_id) not in present
        ]
        if not missing:
            continue
        await wait_for_room(database)
        async with database.begin() as tx:
            count = await put_back(tx, missing)
            tx.after_commit(told.ring)
        REPLAYED.labels(context, "lost").inc(count)
        repaired += count
    return repaired


async def _pages(database: Database, began: datetime) -> AsyncIterator[Sequence[Row[Any]]]:
    """
    Yield what was published before *began*, in the order of the stream.
    """
    sequence, event_id = 0, "00000000-0000-0000-0000-000000000000"
    while True:
        async with database.begin() as tx:
            page = await tx.rows(
                _PAGE,
                {"sequence": sequence, "event_id": event_id, "began": began, "limit": PAGE},
            )
        if not page:
            return
        yield page
        sequence, event_id = page[-1].stream_sequence, page[-1].event_id


def _created(info: StreamInfo) -> str:
    return info.created.isoformat() if info.created else ""
