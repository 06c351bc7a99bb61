"""Every event takes effect exactly once, in order: outbox, record, stream, inbox."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from chassis.events.stored import Stored, stored_events
from chassis.events.streams import durable_of
from deploy.local.invariants.evidence import Evidence
from deploy.local.invariants.invariant import Finding, Invariant
from deploy.local.invariants.merging import side_by_side
from deploy.local.invariants.streams import acknowledged, first_sequence
from deploy.local.topology import WAYBILL

AGGREGATES = {
    "product": ("products", "categories", "stock_items", "reservations"),
    "order": ("orders",),
    "payment": ("payments",),
    "fulfillment": ("fulfillment_orders", "returns"),
}

_VERSIONS = """
    SELECT coalesce(aggregate.id, aggregate_id),
        format('it has told %s events; outbox and record have %s, versions %s to %s',
            event_count, events, first, last)
    FROM ({aggregates}) AS aggregate FULL JOIN (
        SELECT aggregate_id, count(*) AS events,
            min(aggregate_version) AS first, max(aggregate_version) AS last
        FROM told_events GROUP BY aggregate_id
    ) AS told ON aggregate_id = aggregate.id
    WHERE CASE WHEN (SELECT forgotten_before IS NULL FROM stream_state)
        THEN coalesce(event_count, 0) <> coalesce(events, 0) OR first <> 1 OR last <> events
        -- Only the younger ones are known, of old aggregates none.
        ELSE event_count IS NULL OR event_count <> last OR last - first + 1 <> events
    END
    LIMIT 1000
"""
_WAITING = """
    SELECT event_id, format('%s waits to be published since %s', subject, occurred_at)
    FROM outbox
    -- What is told once more has waited before.
    WHERE replays = 0 AND occurred_at < clock_timestamp() - interval '60 seconds'
    LIMIT 1000
"""
_DISORDER = """
    SELECT event_id, format('version %s of %s is at %s in the stream, its elder at %s',
        aggregate_version, aggregate_id, stream_sequence, elder)
    FROM (
        SELECT event_id, aggregate_id, aggregate_version, stream_sequence,
            max(stream_sequence) OVER (
                PARTITION BY aggregate_id ORDER BY aggregate_version
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS elder
        FROM published_events
    ) AS placed
    WHERE elder >= stream_sequence LIMIT 1000
"""
_PUBLISHED = """
    SELECT stream_sequence, event_id, subject, aggregate_id, aggregate_version
    FROM published_events ORDER BY stream_sequence, event_id
"""


async def versions_without_gap(evidence: Evidence) -> Finding:
    finding = Finding()
    for context in evidence.contexts:
        aggregates = " UNION ALL ".join(
            f"SELECT id, event_count FROM {table}" for table in AGGREGATES[context]
        )
        finding.checked += await evidence.value(context, "SELECT count(*) FROM told_events")
        for key, what in await evidence.fetch(context, _VERSIONS.format(aggregates=aggregates)):
            finding.violate(f"{context} {key}", what)
    return finding


async def published_in_time(evidence: Evidence) -> Finding:
    finding = Finding()
    for context in evidence.contexts:
        finding.checked += await evidence.value(context, "SELECT count(*) FROM outbox")
        for key, what in await evidence.fetch(context, _WAITING):
            finding.violate(f"{context} {key}", what)
    return finding


async def in_order_in_the_stream(evidence: Evidence) -> Finding:
    finding = Finding()
    for context in evidence.contexts:
        finding.checked += await evidence.value(context, "SELECT count(*) FROM published_events")
        for key, what in await evidence.fetch(context, _DISORDER):
            finding.violate(f"{context} {key}", what)
    return finding


async def in_the_stream_once(evidence: Evidence) -> Finding:
    finding = Finding()
    repeats = forgotten = 0
    for context in evidence.contexts:
        first = await first_sequence(evidence.broker, context)
        unclaimed: dict[UUID, Stored] = {}
        async for sequence, (told, stored) in side_by_side(
            _once(evidence.rows(context, _PUBLISHED), context, finding),
            _by_sequence(stored_events(evidence.broker, context)),
        ):
            finding.checked += 1
            event: Stored | None = stored[1] if stored else None
            if told is None and event:
                unclaimed[event.event_id] = event
            elif event is None and sequence < first:
                forgotten += 1  # streams forget what is old
            elif event is None:
                finding.violate(f"{context} {told['event_id']}", f"{sequence} is not in the stream")
            elif _said(told) != _stored(event):
                finding.violate(
                    f"{context} {told['event_id']}",
                    f"at {sequence} the stream has {_stored(event)}, the record {_said(told)}",
                )
        repeats += await _judge_unclaimed(evidence, context, unclaimed, finding)
    notes = [
        f"{repeats:,} repeats in streams, which inboxes recognize" if repeats else "",
        f"{forgotten:,} older than the stream keeps" if forgotten else "",
    ]
    finding.note = "; ".join(filter(None, notes))
    return finding


async def _judge_unclaimed(
    evidence: Evidence, context: str, unclaimed: dict[UUID, Stored], finding: Finding
) -> int:
    """
    Tell repeats, and what was published and not marked yet, from what nobody ever told; return
    how many repeats there are.
    """
    if not unclaimed:
        return 0
    query = """
        SELECT event_id, subject, aggregate_id, aggregate_version, stream_sequence
        FROM told_events WHERE event_id = ANY($1::uuid[])
    """
    known = {r["event_id"]: r for r in await evidence.fetch(context, query, list(unclaimed))}
    newest = await evidence.value(context, "SELECT max(stream_sequence) FROM published_events") or 0
    repeats = 0
    for event_id, event in unclaimed.items():
        row = known.get(event_id)
        if row is None:
            # One that was told after our moment is no violation: the next look knows it.
            finding.violate(
                f"{context} {event_id}",
                f"at {event.sequence} the stream has {event.subject}, which nobody has told",
            )
        elif _said(row) != _stored(event):
            finding.violate(f"{context} {event_id}", f"at {event.sequence} it says something else")
        elif row["stream_sequence"] is not None and event.sequence < newest:
            repeats += 1
    return repeats


def _said(row: Any) -> tuple[str, str, str, int]:
    return (
        str(row["event_id"]),
        row["subject"],
        str(row["aggregate_id"]),
        row["aggregate_version"],
    )


def _stored(event: Stored) -> tuple[str, str, str, int]:
    return str(event.event_id), event.subject, str(event.aggregate_id), event.version


async def _once(rows: AsyncIterator[Any], context: str, finding: Finding) -> AsyncIterator[Any]:
    last = None
    async for row in rows:
        if row[0] == last:
            finding.violate(
                f"{context} {row['event_id']}", f"another event is at {row[0]} of the stream too"
            )
            continue
        last = row[0]
        yield row


async def _by_sequence(events: AsyncIterator[Stored]) -> AsyncIterator[tuple[int, Stored]]:
    async for event in events:
        yield event.sequence, event


_WATERMARKS = """
    SELECT aggregate_id, version, attempts, parked_at IS NOT NULL AS parked
    FROM inbox WHERE consumer = $1 ORDER BY aggregate_id
"""
_HIGHEST = """
    SELECT aggregate_id, max(aggregate_version) AS version,
        max(stream_sequence) AS last_sequence,
        min(published_at) < clock_timestamp() - interval '60 seconds' AS old
    FROM published_events GROUP BY aggregate_id ORDER BY aggregate_id
"""


async def inboxes_are_complete(evidence: Evidence) -> Finding:
    finding = Finding()
    pending = 0
    for listener, heard in WAYBILL.listeners.items():
        home = WAYBILL.home_of(listener)
        for context in heard:
            durable = durable_of(listener, context)
            floor = await acknowledged(evidence.broker, durable, context)
            forgotten = await evidence.value(context, "SELECT forgotten_before FROM stream_state")
            async for id_, (told, mark) in side_by_side(
                evidence.rows(context, _HIGHEST), evidence.rows(home, _WATERMARKS, durable)
            ):
                finding.checked += 1
                key = f"{durable} {id_}"
                if told is None and forgotten:
                    continue  # heard long ago
                if told is None:
                    finding.violate(key, f"version {mark['version']} was heard and never told")
                elif mark and mark["version"] > told["version"]:
                    finding.violate(
                        key, f"version {mark['version']} was heard, {told['version']} told"
                    )
                elif mark and mark["parked"]:
                    continue  # its dead letter is a violation of its own
                elif mark is None or mark["version"] < told["version"]:
                    # Acknowledged up to the floor, so nobody will deliver it again.
                    if told["last_sequence"] <= floor:
                        heard_version = mark["version"] if mark else 0
                        finding.violate(
                            key,
                            f"heard up to {heard_version} of {told['version']},"
                            " and the rest is acknowledged",
                        )
                    else:
                        pending += 1
    if pending:
        finding.note = f"{pending:,} aggregates with events on their way"
    return finding


async def no_dead_letters(evidence: Evidence) -> Finding:
    finding = Finding()
    for service in {WAYBILL.home_of(listener) for listener in WAYBILL.listeners}:
        finding.checked += await evidence.value(service, "SELECT count(*) FROM inbox")
        letters = """
            SELECT consumer || ' ' || event_id, format('%s: %s', subject, error)
            FROM dead_letters WHERE resolution = '' LIMIT 1000
        """
        for key, what in await evidence.fetch(service, letters):
            finding.violate(key, what)
    return finding


INVARIANTS = (
    Invariant(
        "versions-without-gap",
        "The events of an aggregate are versions 1, 2, 3 … as many as it has told.",
        versions_without_gap,
    ),
    Invariant(
        "published-in-time",
        "No event waits for more than 60 s to be published.",
        published_in_time,
    ),
    Invariant(
        "in-the-stream-once",
        "Every published event is in its stream where the record says, and nothing else is.",
        in_the_stream_once,
    ),
    Invariant(
        "in-order-in-the-stream",
        "In the stream the events of an aggregate stand in the order of their versions.",
        in_order_in_the_stream,
    ),
    Invariant(
        "inboxes-are-complete",
        "Each listener has heard every event up to where it has acknowledged them.",
        inboxes_are_complete,
    ),
    Invariant("no-dead-letters", "No event was given up.", no_dead_letters),
)
