"""Where sagas stand, read from their rows for those who look after them."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.saga.standing import A_PERSON, Standing, StandingQuery
from chassis.storage.database import Transaction

_FIND = text("SELECT * FROM sagas WHERE id = ANY(CAST(:ids AS uuid[]))")
_HOLD = text("SELECT * FROM sagas WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE")
# Not starts_with: the planner, who knows what LIKE lets through, takes it for next to nothing and
# sorts all there is.
_PAGE = text(
    f"""
    SELECT * FROM sagas
    WHERE (since, id) > (CAST(:since AS timestamptz), CAST(:id AS uuid))
        AND since <= CAST(:before AS timestamptz)
        AND (CAST(:step AS text) = '' OR step = CAST(:step AS text))
        AND waits_for LIKE CAST(:waits_for AS text)
        AND (NOT CAST(:stuck AS boolean) OR attempts > 0 OR waits_for LIKE '{A_PERSON}%')
    ORDER BY since, id LIMIT :limit
    """
)
# Before and after any saga.
_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, tzinfo=UTC)


async def find(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """
    Return where those of *ids* stand that have not ended.
    """
    rows = await tx.rows(_FIND, {"ids": list(ids)})
    return {row.id: _standing(row) for row in rows}


async def hold(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """
    Lock the sagas of *ids* that have not ended, and return where they stand.
    """
    rows = await tx.rows(_HOLD, {"ids": list(ids)})
    return {row.id: _standing(row) for row in rows}


async def page(tx: Transaction, query: StandingQuery) -> Sequence[Standing]:
    """
    Return where the sagas stand that *query* asks for.
    """
    since, id_ = query.after or (_FIRST, UUID(int=0))
    rows = await tx.rows(
        _PAGE,
        {
            "since": since,
            "id": id_,
            "before": query.before or _LAST,
            "step": query.step,
            "waits_for": _beginning(query.waits_for),
            "stuck": query.stuck,
            "limit": query.limit,
        },
    )
    return [_standing(row) for row in rows]


def _beginning(text_: str) -> str:
    """
    Return the pattern for what begins with *text_*.
    """
    return re.sub(r"([\\%_])", r"\\\1", text_) + "%"


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        id=row.id,
        step=row.step,
        waits_for=row.waits_for,
        since=row.since,
        due_at=row.due_at,
        attempts=row.attempts,
        last_error=row.last_error,
        began_at=row.began_at,
    )
