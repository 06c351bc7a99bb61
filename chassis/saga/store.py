"""Where sagas stand, kept in the service's own database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from chassis.saga import listing
from chassis.saga.standing import Standing, StandingQuery
from chassis.saga.steps import Move
from chassis.storage.database import Transaction, Write
from chassis.wake import Wake

SAGAS_1 = (
    """
CREATE TABLE sagas (
    id uuid CONSTRAINT pk_sagas PRIMARY KEY,
    step text NOT NULL,
    due_at timestamptz NOT NULL,
    claim bigint NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    waits_for text NOT NULL DEFAULT '',
    last_error text NOT NULL DEFAULT '',
    trace text NOT NULL DEFAULT '',
    began_at timestamptz NOT NULL
) WITH (fillfactor = 70)
""",
    "CREATE INDEX ix_sagas_due ON sagas (step, due_at)",
)
SAGAS_2 = (
    """
ALTER TABLE sagas
    ADD COLUMN since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN leased_by text NOT NULL DEFAULT ''
""",
    "UPDATE sagas SET since = began_at",
    "CREATE INDEX ix_sagas_since ON sagas (since, id)",
)

_START = """
    INSERT INTO sagas (id, step, due_at, trace, began_at, since)
    SELECT id, CAST(:step AS text), CAST(:now AS timestamptz), trace, CAST(:now AS timestamptz),
        CAST(:now AS timestamptz)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:traces AS text[])) AS new (id, trace)
"""
_WAKE = text(
    """
    UPDATE sagas SET due_at = CAST(:now AS timestamptz), claim = claim + 1
    WHERE id IN (
        SELECT id FROM sagas WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
    )
    RETURNING step
    """
)
# An array is made once. An IN may be looked up anew for every row, and each time it finds other
# rows that are not locked yet: then the limit is none.
_CLAIM = text(
    """
    UPDATE sagas
    SET due_at = CAST(:now AS timestamptz) + CAST(:lease AS interval), claim = claim + 1,
        leased_by = CAST(:by AS text)
    WHERE id = ANY(ARRAY(
        SELECT id FROM sagas WHERE step = :step AND due_at <= CAST(:now AS timestamptz)
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
    RETURNING id, claim, attempts, trace
    """
)
_LOCK = text(
    """
    SELECT sagas.id FROM sagas
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:claims AS bigint[])) AS mine (id, claim)
        ON sagas.id = mine.id AND sagas.claim = mine.claim AND sagas.step = :step
    ORDER BY sagas.id FOR UPDATE OF sagas
    """
)
_MOVE = """
    UPDATE sagas SET step = new.step, due_at = new.due_at, waits_for = new.waits_for,
        attempts = new.attempts, last_error = new.last_error,
        since = CASE WHEN (sagas.step, sagas.waits_for) = (new.step, new.waits_for)
            THEN sagas.since ELSE CAST(:now AS timestamptz) END,
        leased_by = CASE WHEN new.leased THEN sagas.leased_by ELSE '' END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:steps AS text[]), CAST(:due AS timestamptz[]),
        CAST(:waits_for AS text[]), CAST(:attempts AS integer[]), CAST(:errors AS text[]),
        CAST(:leased AS boolean[]))
        AS new (id, step, due_at, waits_for, attempts, last_error, leased)
    WHERE sagas.id = new.id
"""
_END = "DELETE FROM sagas WHERE id = ANY(CAST(:ids AS uuid[]))"
_TAKE_BACK = text(
    """
    UPDATE sagas SET due_at = CAST(:now AS timestamptz), claim = claim + 1, leased_by = ''
    WHERE id IN (
        SELECT id FROM sagas WHERE leased_by = :by AND due_at > CAST(:now AS timestamptz)
        ORDER BY id FOR UPDATE
    )
    RETURNING step
    """
)
_NEXT_DUE = text("SELECT min(due_at) AS due_at FROM sagas WHERE step = :step")


@dataclass(frozen=True, slots=True)
class Claim:
    """
    The right to run one step of one saga, until its lease ends or somebody wakes the saga.

    Attributes:
        number: Which claim it is: a later one makes this one void.
        attempts: How often the step has failed so far.
        trace: The `traceparent` the saga was begun under.
    """

    id: UUID
    number: int
    attempts: int
    trace: str


class Bells:
    """
    One bell a step: rung when a transaction has made a saga due at it.
    """

    def __init__(self) -> None:
        self._of: dict[str, Wake] = defaultdict(Wake)

    def of(self, step: str) -> Wake:
        return self._of[step]


class Sagas:
    """
    The sagas of one transaction.
    """

    def __init__(self, tx: Transaction, bells: Bells) -> None:
        self._tx = tx
        self._bells = bells

    async def start(self, step: str, traces: Mapping[UUID, str], *, now: datetime) -> None:
        """
        Begin a saga at *step* for each subject, given with the `traceparent` of its story.
        """
        values = {"step": step, "now": now, "ids": [*traces], "traces": [*traces.values()]}
        await self._tx.write(Write(target="sagas", sql=_START, parameters=values))
        self._tx.after_commit(self._bells.of(step).ring)

    async def wake(self, ids: Sequence[UUID], *, now: datetime) -> None:
        """
        Make the sagas of *ids* due now: something they may be waiting for has happened.

        A step that is running for one of them is run again, as it may not have seen it. Call this
        before reading the subjects: the lock on the saga is the lock on the whole story, and it
        is taken in one order by everybody.
        """
        woken = await self._tx.rows(_WAKE, {"ids": list(ids), "now": now})
        for step in {row.step for row in woken}:
            self._tx.after_commit(self._bells.of(step).ring)

    async def claim(
        self, step: str, *, limit: int, lease: timedelta, now: datetime, by: str = ""
    ) -> list[Claim]:
        """
        Take up to *limit* sagas that are due at *step*, for the time of *lease*.

        Args:
            by: Who takes them; a later process of this name may take them back.
        """
        rows = await self._tx.rows(
            _CLAIM, {"step": step, "now": now, "lease": lease, "limit": limit, "by": by}
        )
        return [Claim(row.id, row.claim, row.attempts, row.trace) for row in rows]

    async def still_ours(self, step: str, claims: Sequence[Claim]) -> set[UUID]:
        """
        Lock the sagas whose claim is still good, and return their ids.

        One that has left *step* is done with it, though nobody claimed it since: a commit may have
        worked whose answer was lost.
        """
        numbers = [claim.number for claim in claims]
        rows = await self._tx.rows(
            _LOCK, {"step": step, "ids": [c.id for c in claims], "claims": numbers}
        )
        return {row.id for row in rows}

    async def take_back(self, by: str, *, now: datetime) -> int:
        """
        Make due now what an earlier process named *by* has left under a lease; return how many.
        """
        rows = await self._tx.rows(_TAKE_BACK, {"by": by, "now": now})
        for step in {row.step for row in rows}:
            self._tx.after_commit(self._bells.of(step).ring)
        return len(rows)

    async def move(self, moves: Sequence[Move], *, now: datetime) -> None:
        """
        Let sagas go on as *moves* say.
        """
        if not moves:
            return
        values = {
            "ids": [m.id for m in moves],
            "steps": [m.step for m in moves],
            "due": [m.due_at for m in moves],
            "waits_for": [m.waits_for for m in moves],
            "attempts": [m.attempts for m in moves],
            "errors": [m.last_error for m in moves],
            "leased": [m.leased for m in moves],
            "now": now,
        }
        await self._tx.write(Write(target="sagas on their way", sql=_MOVE, parameters=values))

    async def end(self, ids: Sequence[UUID]) -> None:
        """
        End the sagas of *ids*; what they did is on their subjects' timelines.
        """
        if ids:
            values = {"ids": list(ids)}
            await self._tx.write(Write(target="sagas at their end", sql=_END, parameters=values))

    async def find(self, ids: Sequence[UUID]) -> dict[UUID, Standing]:
        """
        Return where those of *ids* stand that have not ended.
        """
        return await listing.find(self._tx, ids)

    async def hold(self, ids: Sequence[UUID]) -> dict[UUID, Standing]:
        """
        Lock the sagas of *ids* that have not ended, and return where they stand. Before their
        subjects are read, as `wake`; and whoever changes something wakes them after.
        """
        return await listing.hold(self._tx, ids)

    async def page(self, query: StandingQuery) -> Sequence[Standing]:
        """
        Return where the sagas stand that *query* asks for.
        """
        return await listing.page(self._tx, query)

    async def next_due(self, step: str) -> datetime | None:
        """
        Return when the next saga is due at *step*, if any stands there.
        """
        (row,) = await self._tx.rows(_NEXT_DUE, {"step": step})
        due_at: datetime | None = row.due_at
        return due_at
