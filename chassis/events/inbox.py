"""
The inbox: how far each listener has come with each aggregate, kept with the effect.

An event takes effect only if it is the next one of its aggregate: version = watermark + 1. An
older one was there before, a younger one is early. The watermark moves in the transaction of the
effect, so that both happen or neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.kernel.ids import new_id
from chassis.storage.database import Transaction, Write

INBOX_1 = (
    """
CREATE TABLE inbox (
    consumer text NOT NULL,
    aggregate_id uuid NOT NULL,
    version bigint NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    parked_at timestamptz,
    CONSTRAINT pk_inbox PRIMARY KEY (aggregate_id, consumer)
)
""",
    """
CREATE TABLE dead_letters (
    id uuid CONSTRAINT pk_dead_letters PRIMARY KEY,
    consumer text NOT NULL,
    subject text NOT NULL,
    event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    payload bytea NOT NULL,
    error text NOT NULL,
    stack text NOT NULL,
    attempts integer NOT NULL,
    trace_id text NOT NULL,
    failed_at timestamptz NOT NULL,
    CONSTRAINT uq_dead_letters_event_id UNIQUE (event_id, consumer)
)
""",
)

_WATERMARKS = text(
    """
    SELECT aggregate_id, version, parked_at FROM inbox
    WHERE consumer = :consumer AND aggregate_id = ANY(CAST(:ids AS uuid[]))
    """
)
_FIRST = """
    INSERT INTO inbox (consumer, aggregate_id, version)
    SELECT CAST(:consumer AS text), aggregate_id, version
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[])) AS new (aggregate_id, version)
    ON CONFLICT DO NOTHING
"""
_NEXT = """
    UPDATE inbox SET version = new.version, attempts = 0
    FROM unnest(CAST(:ids AS uuid[]), CAST(:seen AS bigint[]), CAST(:versions AS bigint[]))
        AS new (aggregate_id, seen, version)
    WHERE inbox.consumer = CAST(:consumer AS text)
        AND inbox.aggregate_id = new.aggregate_id AND inbox.version = new.seen
"""
_FAIL = text(
    """
    INSERT INTO inbox (consumer, aggregate_id, version, attempts)
    VALUES (:consumer, :aggregate_id, :version, 1)
    ON CONFLICT (aggregate_id, consumer) DO UPDATE SET attempts = inbox.attempts + 1
    RETURNING attempts
    """
)
_PARK = text(
    """
    UPDATE inbox SET parked_at = coalesce(parked_at, :now)
    WHERE consumer = :consumer AND aggregate_id = :aggregate_id
    """
)
_BURY = text(
    """
    INSERT INTO dead_letters (id, consumer, subject, event_id, aggregate_id, aggregate_version,
        payload, error, stack, attempts, trace_id, failed_at)
    VALUES (:id, :consumer, :subject, :event_id, :aggregate_id, :aggregate_version,
        :payload, :error, :stack, :attempts, :trace_id, :failed_at)
    ON CONFLICT DO NOTHING
    """
)


@dataclass(frozen=True, slots=True)
class Watermark:
    """
    How far a listener has come with one aggregate.

    Attributes:
        version: The last version that took effect; −1 if nothing was ever recorded.
        parked: Whether the next event waits for a person, and all later ones behind it.
    """

    version: int = -1
    parked: bool = False

    @property
    def next(self) -> int:
        return max(self.version, 0) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """
    An event as it was delivered.
    """

    subject: str
    event_id: UUID
    aggregate_id: UUID
    version: int
    payload: bytes
    trace: str


async def watermarks(
    tx: Transaction, consumer: str, aggregate_ids: Sequence[UUID]
) -> Mapping[UUID, Watermark]:
    """
    Return how far *consumer* has come with each aggregate that it has heard of.
    """
    found = await tx.rows(_WATERMARKS, {"consumer": consumer, "ids": list(aggregate_ids)})
    return {row.aggregate_id: Watermark(row.version, row.parked_at is not None) for row in found}


async def advance(
    tx: Transaction, consumer: str, moves: Mapping[UUID, tuple[Watermark, int]]
) -> None:
    """
    Move the watermark of each aggregate from where it was seen to a new version.

    Raises:
        Conflict: Now or at the end of the transaction: another replica has moved one of them.
    """
    first = sorted(id_ for id_, (seen, _) in moves.items() if seen.version < 0)
    if first:
        values = {"consumer": consumer, "ids": first, "versions": [moves[id_][1] for id_ in first]}
        await tx.write(
            Write(target="new watermarks", sql=_FIRST, parameters=values, rows=len(first))
        )
    known = sorted(moves.keys() - set(first))
    if known:
        values = {
            "consumer": consumer,
            "ids": known,
            "seen": [moves[id_][0].version for id_ in known],
            "versions": [moves[id_][1] for id_ in known],
        }
        await tx.write(Write(target="watermarks", sql=_NEXT, parameters=values, rows=len(known)))


async def count_attempt(tx: Transaction, consumer: str, envelope: Envelope) -> int:
    """
    Record that *envelope* failed, and return how often it has by now.
    """
    (row,) = await tx.rows(
        _FAIL,
        {
            "consumer": consumer,
            "aggregate_id": envelope.aggregate_id,
            "version": envelope.version - 1,
        },
    )
    attempts: int = row.attempts
    return attempts


async def bury(
    tx: Transaction,
    consumer: str,
    envelope: Envelope,
    *,
    error: str,
    stack: str,
    attempts: int,
    now: datetime,
) -> None:
    """
    Write *envelope* down as a dead letter and park its aggregate for this consumer: what comes
    later of the same aggregate must not overtake it.
    """
    await tx.run(
        _BURY,
        {
            "id": new_id(),
            "consumer": consumer,
            "subject": envelope.subject,
            "event_id": envelope.event_id,
            "aggregate_id": envelope.aggregate_id,
            "aggregate_version": envelope.version,
            "payload": envelope.payload,
            "error": error,
            "stack": stack,
            "attempts": attempts,
            "trace_id": envelope.trace[3:35],
            "failed_at": now,
        },
    )
    await tx.run(_PARK, {"consumer": consumer, "aggregate_id": envelope.aggregate_id, "now": now})
