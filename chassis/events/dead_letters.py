"""
Dead letters: events that a listener has given up on, kept until a person decides.

A letter is open until it is redriven (its event took effect after all) or discarded (it never
will). Behind an open letter, later events of the same aggregate are letters too, with no attempts
of their own; they follow by themselves once their elder is out of the way. What a person decides is
written down with a name, and carried out by the listener itself.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.events.delivery import Envelope
from chassis.kernel.ids import new_id
from chassis.storage.database import Transaction

# Resolved letters, and what was done about them, stay for so long.
KEPT_DAYS = 90

DEAD_LETTERS_2 = (
    "ALTER TABLE dead_letters ADD COLUMN cause text NOT NULL DEFAULT '',"
    " ADD COLUMN trace text NOT NULL DEFAULT '', ADD COLUMN occurred_at timestamptz,"
    " ADD COLUMN wish text NOT NULL DEFAULT '',"
    " ADD COLUMN resolution text NOT NULL DEFAULT '', ADD COLUMN resolved_at timestamptz",
    "UPDATE dead_letters SET cause = split_part(error, ':', 1)",
    "CREATE INDEX ix_dead_letters_open ON dead_letters (consumer, aggregate_id, aggregate_version)"
    " WHERE resolution = ''",
    """
CREATE TABLE dead_letter_actions (
    id uuid CONSTRAINT pk_dead_letter_actions PRIMARY KEY,
    letter_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    actor text NOT NULL,
    note text NOT NULL
)
""",
    "CREATE INDEX ix_dead_letter_actions_letter_id ON dead_letter_actions (letter_id, at)",
)

_BURY = text(
    """
    INSERT INTO dead_letters (id, consumer, subject, event_id, aggregate_id, aggregate_version,
        payload, error, stack, cause, attempts, trace_id, trace, occurred_at, failed_at)
    VALUES (:id, :consumer, :subject, :event_id, :aggregate_id, :aggregate_version,
        :payload, :error, :stack, :cause, :attempts, :trace_id, :trace, :occurred_at,
        clock_timestamp())
    ON CONFLICT (event_id, consumer) DO UPDATE
        SET error = excluded.error, stack = excluded.stack, cause = excluded.cause,
            attempts = excluded.attempts, failed_at = excluded.failed_at
        WHERE excluded.attempts > dead_letters.attempts AND dead_letters.resolution = ''
    """
)
_FAILED_AGAIN = text(
    """
    UPDATE dead_letters SET attempts = attempts + 1, error = :error, stack = :stack,
        cause = :cause, failed_at = clock_timestamp()
    WHERE id = :id AND resolution = ''
    """
)
# What was wished for those behind it is not to be done by itself some day.
_FORGET_WISHES = text(
    """
    UPDATE dead_letters SET wish = ''
    WHERE consumer = :consumer AND aggregate_id = :aggregate_id AND resolution = ''
    """
)
_WISHES = text(
    """
    -- By the oldest letter of each: the others wait for it.
    SELECT aggregate_id FROM (
        SELECT DISTINCT ON (aggregate_id) aggregate_id, aggregate_version, wish, attempts
        FROM dead_letters WHERE consumer = :consumer AND resolution = ''
        ORDER BY aggregate_id, aggregate_version
    ) AS oldest LEFT JOIN inbox USING (aggregate_id)
    WHERE coalesce(inbox.consumer, :consumer) = :consumer AND missing_since IS NULL
        AND (wish <> '' OR oldest.attempts = 0 OR aggregate_version <= version)
    UNION ALL
    -- And those that died before they were let go.
    SELECT aggregate_id FROM inbox
    WHERE consumer = :consumer AND parked_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM dead_letters AS open WHERE open.consumer = inbox.consumer
            AND open.aggregate_id = inbox.aggregate_id AND resolution = ''
    )
    LIMIT :limit
    """
)
_OLDEST_OPEN = text(
    """
    SELECT id, subject, event_id, aggregate_id, aggregate_version, payload, attempts, trace, wish,
        coalesce(occurred_at, failed_at) AS occurred_at
    FROM dead_letters
    WHERE consumer = :consumer AND aggregate_id = :aggregate_id AND resolution = ''
    ORDER BY aggregate_version LIMIT 1
    """
)
_RESOLVE = text(
    """
    UPDATE dead_letters SET resolution = :resolution, resolved_at = clock_timestamp()
    WHERE id = :id AND resolution = ''
    """
)
_RECORD = text(
    """
    INSERT INTO dead_letter_actions (id, letter_id, action, actor, note)
    SELECT action_id, letter_id, :action, :actor, :note
    FROM unnest(CAST(:action_ids AS uuid[]), CAST(:letter_ids AS uuid[]))
        AS new (action_id, letter_id)
    """
)
_FORGET = text(
    """
    WITH old AS (
        DELETE FROM dead_letters
        WHERE resolved_at < clock_timestamp() - make_interval(days => :days)
        RETURNING id
    )
    DELETE FROM dead_letter_actions WHERE letter_id IN (SELECT id FROM old)
    """
)


@dataclass(frozen=True, slots=True)
class Failure:
    """
    Why an event could not take effect.

    Attributes:
        cause: What letters are grouped by: the error and where in our code it was raised.
    """

    cause: str
    error: str
    stack: str


BEHIND = Failure(
    cause="behind another letter",
    error="waits behind an earlier dead letter of its aggregate",
    stack="",
)


FORGOTTEN = Failure(
    cause="forgotten by its publisher",
    error="was lost on its way, and its publisher no longer has it: it can only be discarded",
    stack="",
)


@dataclass(frozen=True, slots=True)
class Letter:
    """
    An open dead letter, as its listener needs it.
    """

    id: UUID
    envelope: Envelope
    attempts: int
    wish: str


def failure_of(error: Exception) -> Failure:
    """
    Return what to write down about *error*.
    """
    return Failure(
        cause=f"{type(error).__name__} in {_place(error.__traceback__)}",
        error=f"{type(error).__name__}: {error}".replace("\0", "\\0"),
        stack="".join(traceback.format_exception(error)).replace("\0", "\\0"),
    )


def _place(frames: TracebackType | None) -> str:
    # The innermost function that is ours: the line number changes with every release.
    ours = [
        frame
        for frame in traceback.extract_tb(frames)
        if "site-packages" not in frame.filename and "/lib/python" not in frame.filename
    ]
    return f"{Path(ours[-1].filename).stem}.{ours[-1].name}" if ours else "unknown code"


async def bury(
    tx: Transaction, consumer: str, envelope: Envelope, failure: Failure, *, attempts: int
) -> None:
    """
    Write *envelope* down as a dead letter. Its aggregate is to be parked in the same transaction.
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
            "error": failure.error,
            "stack": failure.stack,
            "cause": failure.cause,
            "attempts": attempts,
            "trace_id": envelope.trace[3:35],
            "trace": envelope.trace,
            "occurred_at": envelope.occurred_at,
        },
    )


async def aggregates_with_wishes(tx: Transaction, consumer: str, *, limit: int) -> Sequence[UUID]:
    """
    Return aggregates about whose oldest letter somebody has decided, or that can go on without.
    """
    rows = await tx.rows(_WISHES, {"consumer": consumer, "limit": limit})
    return [row.aggregate_id for row in rows]


async def oldest_open(tx: Transaction, consumer: str, aggregate_id: UUID) -> Letter | None:
    """
    Return the first open letter of an aggregate.
    """
    rows = await tx.rows(_OLDEST_OPEN, {"consumer": consumer, "aggregate_id": aggregate_id})
    return _letter(rows[0]) if rows else None


async def resolve(tx: Transaction, letter: Letter, resolution: str, *, note: str) -> None:
    """
    Close *letter*, and record why.
    """
    await tx.run(_RESOLVE, {"id": letter.id, "resolution": resolution})
    await record_action(tx, [letter.id], resolution, actor="listener", note=note)


async def note_failed_redrive(
    tx: Transaction, consumer: str, letter: Letter, failure: Failure
) -> None:
    """
    Note that *letter* failed once more; it waits for a person again, and so do those behind it.
    """
    values = {"error": failure.error, "stack": failure.stack, "cause": failure.cause}
    await tx.run(_FAILED_AGAIN, {"id": letter.id, **values})
    aggregate_id = letter.envelope.aggregate_id
    await tx.run(_FORGET_WISHES, {"consumer": consumer, "aggregate_id": aggregate_id})
    await record_action(tx, [letter.id], "failed", actor="listener", note=failure.error)


async def record_action(
    tx: Transaction, letter_ids: Sequence[UUID], action: str, *, actor: str, note: str
) -> None:
    """
    Write down what was done about letters, and who did it.
    """
    if letter_ids:
        await tx.run(
            _RECORD,
            {
                "action_ids": [new_id() for _ in letter_ids],
                "letter_ids": list(letter_ids),
                "action": action,
                "actor": actor,
                "note": note,
            },
        )


async def forget_resolved(tx: Transaction) -> None:
    """
    Remove letters that were resolved long ago, with their history.
    """
    await tx.run(_FORGET, {"days": KEPT_DAYS})


def _letter(row: Row[Any]) -> Letter:
    return Letter(
        id=row.id,
        envelope=Envelope(
            subject=row.subject,
            event_id=row.event_id,
            aggregate_id=row.aggregate_id,
            version=row.aggregate_version,
            occurred_at=row.occurred_at,
            payload=row.payload,
            trace=row.trace,
        ),
        attempts=row.attempts,
        wish=row.wish,
    )
