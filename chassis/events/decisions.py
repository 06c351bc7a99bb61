"""What people get to see of dead letters, and what they decide about them."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, text

from chassis.events.dead_letters import record_action
from chassis.storage.database import Transaction

Wish = Literal["redrive", "discard"]

_GROUPS = text(
    """
    SELECT consumer, subject, cause,
        count(*) AS letters, count(DISTINCT aggregate_id) AS aggregates,
        min(failed_at) AS first_at, max(failed_at) AS last_at,
        count(*) FILTER (WHERE wish <> '') AS wished, (min(id::text))::uuid AS example
    FROM dead_letters WHERE resolution = ''
    GROUP BY consumer, subject, cause
    -- Those that failed before those that only wait behind them.
    ORDER BY max(attempts) = 0, count(*) DESC, consumer, subject, cause
    """
)
_FIND = text(
    """
    SELECT id, consumer, subject, event_id, aggregate_id, aggregate_version, payload, error, stack,
        cause, attempts, trace_id, failed_at, wish, resolution, resolved_at
    FROM dead_letters
    WHERE (CAST(:ids AS uuid[]) IS NULL OR id = ANY(:ids) OR event_id = ANY(:ids))
        AND (CAST(:cause AS text) IS NULL OR cause = :cause)
        AND (CAST(:subject AS text) IS NULL OR subject = :subject)
        AND (CAST(:aggregate_id AS uuid) IS NULL OR aggregate_id = :aggregate_id)
        AND (resolution = '' OR :resolved)
    ORDER BY aggregate_id, aggregate_version LIMIT :limit
    """
)
_STATES = text(
    """
    SELECT count(*) FILTER (WHERE resolution <> '') AS resolved,
        count(*) FILTER (WHERE resolution = '' AND wish = '') AS failed,
        count(*) FILTER (WHERE resolution = '' AND wish <> '') AS waiting
    FROM dead_letters WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)
_ACTIONS = text(
    """
    SELECT at, action, actor, note FROM dead_letter_actions
    WHERE letter_id = :letter_id ORDER BY at, id
    """
)
_WISH = text(
    """
    UPDATE dead_letters SET wish = :wish
    WHERE id = ANY(CAST(:ids AS uuid[])) AND resolution = ''
    RETURNING id
    """
)


async def groups(tx: Transaction) -> Sequence[Row[Any]]:
    """
    Return the open letters by listener, event type and cause, most numerous first.
    """
    return await tx.rows(_GROUPS)


async def find(
    tx: Transaction,
    *,
    ids: Sequence[UUID] | None = None,
    cause: str | None = None,
    subject: str | None = None,
    aggregate_id: UUID | None = None,
    resolved: bool = False,
    limit: int = 100_000,
) -> Sequence[Row[Any]]:
    """
    Return letters that are all of what is given, in the order of their events.

    Args:
        ids: Of letters, or of their events, which is what logs name.
        resolved: Whether to look among resolved ones, too.
    """
    return await tx.rows(
        _FIND,
        {
            "ids": None if ids is None else list(ids),
            "cause": cause,
            "subject": subject,
            "aggregate_id": aggregate_id,
            "resolved": resolved,
            "limit": limit,
        },
    )


async def states_of(tx: Transaction, letter_ids: Sequence[UUID]) -> tuple[int, int, int]:
    """
    Return how many of the letters are resolved, wait for a decision, and wait for their listener.
    """
    (row,) = await tx.rows(_STATES, {"ids": list(letter_ids)})
    return row.resolved, row.failed, row.waiting


async def actions_on(tx: Transaction, letter_id: UUID) -> Sequence[Row[Any]]:
    """
    Return what was done about a letter, oldest first.
    """
    return await tx.rows(_ACTIONS, {"letter_id": letter_id})


async def wish(
    tx: Transaction, letter_ids: Sequence[UUID], what: Wish, *, actor: str, note: str
) -> int:
    """
    Have open letters redriven or discarded by their listener; return how many there are.
    """
    rows = await tx.rows(_WISH, {"ids": list(letter_ids), "wish": what})
    await record_action(tx, [row.id for row in rows], what, actor=actor, note=note)
    return len(rows)
