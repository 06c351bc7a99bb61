"""
The inbox: how far each listener has come with each aggregate, kept with the effect.

An event takes effect only if it is the next one of its aggregate: version = watermark + 1. An
older one was there before, a younger one is early. The watermark moves in the transaction of the
effect, so that both happen or neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

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

INBOX_2 = (
    "ALTER TABLE inbox ADD COLUMN missing_since timestamptz, ADD COLUMN asks integer NOT NULL"
    " DEFAULT 0, ADD COLUMN ask_at timestamptz, ADD COLUMN put_aside bigint NOT NULL DEFAULT 0",
    "CREATE INDEX ix_inbox_ask_at ON inbox (consumer, ask_at) WHERE missing_since IS NOT NULL",
    "CREATE INDEX ix_inbox_parked_at ON inbox (consumer) WHERE parked_at IS NOT NULL",
)

_WATERMARKS = text(
    """
    SELECT aggregate_id, version, attempts, parked_at, missing_since FROM inbox
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
    UPDATE inbox SET version = new.version, attempts = 0,
        -- What was put aside must come once more.
        missing_since = CASE WHEN new.version < put_aside THEN missing_since END
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
        WHERE inbox.version = excluded.version
    RETURNING attempts
    """
)
_PARK = text(
    """
    UPDATE inbox SET parked_at = coalesce(parked_at, clock_timestamp()), missing_since = NULL
    WHERE consumer = :consumer AND aggregate_id = :aggregate_id
    """
)
_UNPARK = text(
    """
    UPDATE inbox SET parked_at = NULL, attempts = 0,
        -- What was put aside before the letter must come once more.
        missing_since = CASE WHEN version < put_aside THEN clock_timestamp() END,
        asks = 0, ask_at = clock_timestamp()
    WHERE consumer = :consumer AND aggregate_id = :aggregate_id AND parked_at IS NOT NULL
    """
)
_STILL_PARKED = text(
    """
    SELECT aggregate_id FROM inbox
    WHERE consumer = :consumer AND aggregate_id = ANY(CAST(:ids AS uuid[]))
        AND parked_at IS NOT NULL
    ORDER BY aggregate_id FOR UPDATE
    """
)
_PUT_ASIDE = text(
    """
    INSERT INTO inbox (consumer, aggregate_id, version, missing_since, ask_at, put_aside)
    SELECT :consumer, aggregate_id, version, clock_timestamp(), clock_timestamp(), early
    FROM unnest(CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:early AS bigint[]))
        AS new (aggregate_id, version, early)
    ORDER BY aggregate_id
    ON CONFLICT (aggregate_id, consumer) DO UPDATE SET
        put_aside = greatest(inbox.put_aside, excluded.put_aside),
        missing_since = coalesce(inbox.missing_since, excluded.missing_since),
        asks = CASE WHEN inbox.missing_since IS NULL THEN 0 ELSE inbox.asks END,
        ask_at = CASE WHEN inbox.missing_since IS NULL THEN excluded.ask_at ELSE inbox.ask_at END
    WHERE inbox.parked_at IS NULL AND excluded.put_aside > inbox.version
        AND (inbox.version = excluded.version OR inbox.missing_since IS NOT NULL)
    RETURNING aggregate_id
    """
)
_DUE_ASKS = text(
    """
    UPDATE inbox SET asks = asks + 1,
        ask_at = clock_timestamp() + least(asks + 1, 30) * interval '2 seconds'
    -- An array is made once; an IN may be looked up anew for every row, past its limit.
    WHERE consumer = :consumer AND aggregate_id = ANY(ARRAY(
        SELECT aggregate_id FROM inbox
        WHERE consumer = :consumer AND missing_since IS NOT NULL AND ask_at <= clock_timestamp()
        ORDER BY ask_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
    RETURNING aggregate_id, version + 1 AS version
    """
)


@dataclass(frozen=True, slots=True)
class Watermark:
    """
    How far a listener has come with one aggregate.

    Attributes:
        version: The last version that took effect; −1 if nothing was ever recorded.
        attempts: How often the next one has failed by now.
        parked: Whether the next event waits for a person, and all later ones behind it.
        missing: Whether the next event is lost, as it seems, and was asked for.
    """

    version: int = -1
    attempts: int = 0
    parked: bool = False
    missing: bool = False

    @property
    def next(self) -> int:
        return max(self.version, 0) + 1


async def watermarks(
    tx: Transaction, consumer: str, aggregate_ids: Sequence[UUID]
) -> Mapping[UUID, Watermark]:
    """
    Return how far *consumer* has come with each aggregate that it has heard of.
    """
    found = await tx.rows(_WATERMARKS, {"consumer": consumer, "ids": list(aggregate_ids)})
    return {
        row.aggregate_id: Watermark(
            version=row.version,
            attempts=row.attempts,
            parked=row.parked_at is not None,
            missing=row.missing_since is not None,
        )
        for row in found
    }


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


async def count_attempt(tx: Transaction, consumer: str, aggregate_id: UUID, version: int) -> int:
    """
    Record that *version* of an aggregate failed, and return how often it has by now: never, if it
    is no longer the next one.
    """
    values = {"consumer": consumer, "aggregate_id": aggregate_id, "version": version - 1}
    return sum(row.attempts for row in await tx.rows(_FAIL, values))


async def park(tx: Transaction, consumer: str, aggregate_id: UUID) -> None:
    """
    Let an aggregate wait for a person: what comes later of it must not overtake what failed.
    """
    await tx.run(_PARK, {"consumer": consumer, "aggregate_id": aggregate_id})


async def unpark(tx: Transaction, consumer: str, aggregate_id: UUID) -> None:
    """
    Let an aggregate go on.
    """
    await tx.run(_UNPARK, {"consumer": consumer, "aggregate_id": aggregate_id})


async def still_parked(tx: Transaction, consumer: str, aggregate_ids: Sequence[UUID]) -> set[UUID]:
    """
    Return which of the aggregates are parked, and see to it that they stay as they are until the
    transaction ends.
    """
    values = {"consumer": consumer, "ids": list(aggregate_ids)}
    return {row.aggregate_id for row in await tx.rows(_STILL_PARKED, values)}


async def put_aside(
    tx: Transaction, consumer: str, early: Mapping[UUID, tuple[Watermark, int]]
) -> set[UUID]:
    """
    Note that the next event of each aggregate is lost, as it seems, and that younger ones have come
    up to a version: all of these will be asked for.

    Returns:
        The aggregates of which that is still so. Only their early events may be forgotten.
    """
    ids = sorted(early)
    rows = await tx.rows(
        _PUT_ASIDE,
        {
            "consumer": consumer,
            "ids": ids,
            "versions": [early[id_][0].next - 1 for id_ in ids],
            "early": [early[id_][1] for id_ in ids],
        },
    )
    return {row.aggregate_id for row in rows}


async def due_asks(tx: Transaction, consumer: str, *, limit: int) -> Sequence[tuple[UUID, int]]:
    """
    Return which versions of which aggregates are to be asked for now; each is due again after
    some seconds, later each time, until it has come.
    """
    rows = await tx.rows(_DUE_ASKS, {"consumer": consumer, "limit": limit})
    return [(row.aggregate_id, row.version) for row in rows]
