"""What the PSP has told, kept in PostgreSQL."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from chassis.storage.bulk import insert_missing_rows
from chassis.storage.database import Transaction, Write
from services.payment.adapters.webhook_tables import PSP_EVENTS
from services.payment.application.webhooks.ports import (
    Outcome,
    PspEvent,
    PspEventId,
    PspEventKey,
    WorkedOff,
)
from services.payment.domain.values import PspAccount

_DUE = "SELECT * FROM psp_events WHERE state = 'RECEIVED' AND due_at <= :now"
_CLAIM = text(f"{_DUE} ORDER BY due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED")
_CLAIM_ONE = text(f"{_DUE} AND account = :account AND id = :id FOR NO KEY UPDATE SKIP LOCKED")

# Of what is done only the name is kept: what it said is the payer's affair, and the PSP has it.
_FILE = """
    UPDATE psp_events AS old SET
        state = new.state, due_at = new.due_at, reason = new.reason, attempts = old.attempts + 1,
        payload = CASE WHEN new.state = 'DONE' THEN NULL ELSE old.payload END
    FROM unnest(CAST(:accounts AS text[]), CAST(:ids AS text[]), CAST(:states AS text[]),
        CAST(:due AS timestamptz[]), CAST(:reasons AS text[]))
        AS new (account, id, state, due_at, reason)
    WHERE old.account = new.account AND old.id = new.id
"""

_FORGET = text(
    """
    -- An array is made once; an IN may be looked up anew for every row, past its limit.
    DELETE FROM psp_events WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM psp_events
        WHERE state = 'DONE' AND received_at < :before
        ORDER BY received_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
    """
)

_BACKLOG = text(
    """
    SELECT count(*) AS waiting, min(received_at) AS oldest,
        (SELECT count(*) FROM psp_events WHERE state = 'FAILED') AS failed
    FROM psp_events WHERE state = 'RECEIVED'
    """
)

_STATES = {Outcome.WAITING: "RECEIVED", Outcome.FAILED: "FAILED"}


class SqlPspEvents:
    """
    The events of one transaction.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add(self, events: Sequence[PspEvent]) -> AbstractSet[PspEventKey]:
        # In one order, so that two replicas that hear the same never wait for each other in a
        # circle.
        rows = [row_from_event(event) for event in sorted(events, key=lambda each: each.key)]
        added = await insert_missing_rows(self._tx, PSP_EVENTS, rows, returning="(account, id)")
        return {(PspAccount(account), PspEventId(id_)) for account, id_ in added}

    async def claim(
        self, *, limit: int, now: datetime, only: PspEventKey | None = None
    ) -> Sequence[PspEvent]:
        if only:
            account, id_ = only
            rows = await self._tx.rows(_CLAIM_ONE, {"now": now, "account": account, "id": id_})
        else:
            rows = await self._tx.rows(_CLAIM, {"now": now, "limit": limit})
        return [event_from_row(row) for row in rows]

    async def file(self, events: Sequence[WorkedOff]) -> None:
        if not events:
            return
        parameters = {
            "accounts": [filed.event.account for filed in events],
            "ids": [filed.event.id for filed in events],
            "states": [_STATES.get(filed.outcome, "DONE") for filed in events],
            "due": [filed.due_at for filed in events],
            "reasons": [filed.reason for filed in events],
        }
        await self._tx.write(
            Write(target=PSP_EVENTS.name, sql=_FILE, parameters=parameters, rows=len(events))
        )

    async def backlog(self) -> tuple[int, datetime | None, int]:
        (row,) = await self._tx.rows(_BACKLOG)
        return row.waiting, row.oldest, row.failed

    async def forget(self, *, before: datetime, limit: int) -> int:
        return await self._tx.run(_FORGET, {"before": before, "limit": limit})


def event_from_row(row: Row[Any]) -> PspEvent:
    return PspEvent(
        account=PspAccount(row.account),
        id=PspEventId(row.id),
        type=row.type,
        payload=row.payload,
        created_at=row.created_at,
        received_at=row.received_at,
        attempts=row.attempts,
    )


def row_from_event(event: PspEvent) -> dict[str, Any]:
    return {
        "account": event.account,
        "id": event.id,
        "type": event.type,
        "payload": event.payload,
        "state": "RECEIVED",
        "created_at": event.created_at,
        "received_at": event.received_at,
        "due_at": event.received_at,
    }
