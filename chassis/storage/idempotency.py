"""
One answer per request id.

A mutation writes (caller, request id) → fingerprint and outcome in the transaction of its effect.
The same request again finds the record and gets the same answer; another request under the same
id is refused. Of two first requests at once, one waits for the other's commit. Whoever repeats a
request does so within days: old ones are forgotten, so that what is kept does not grow for ever.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TextClause,
    text,
)
from sqlalchemy import Uuid as UuidType

from chassis.kernel.errors import RuleViolated
from chassis.storage.bulk import insert_missing_rows, insert_rows
from chassis.storage.database import Transaction

IDEMPOTENCY_1 = """
CREATE TABLE idempotency (
    caller text NOT NULL,
    request_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    outcome_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT pk_idempotency PRIMARY KEY (request_id, caller)
)
"""

# Old requests are found by their age.
IDEMPOTENCY_2 = "CREATE INDEX ix_idempotency_created_at ON idempotency (created_at)"


class RequestIdReused(RuleViolated):
    @classmethod
    def of(cls, request_id: UUID) -> Self:
        return cls(f"request_id {request_id} was used for another request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    One request to be done once.

    Attributes:
        caller: Whose request it is; two callers may use the same id.
        fingerprint: What the request says, without its id; see `fingerprint_of`.
        outcome_id: The id of what the request brings about: its answer can be read back by it.
    """

    caller: str
    request_id: UUID
    fingerprint: bytes
    outcome_id: UUID


def idempotency_table(metadata: MetaData, name: str = "idempotency") -> Table:
    """
    Return the table of requests; another one of its form, with another life, has another *name*.
    """
    return Table(
        name,
        metadata,
        Column("caller", Text, nullable=False),
        Column("request_id", UuidType, nullable=False),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("outcome_id", UuidType, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("request_id", "caller"),
    )


_TABLE = idempotency_table(MetaData())


@lru_cache(maxsize=8)
def _select(table: str) -> TextClause:
    return text(
        f"SELECT caller, request_id, fingerprint, outcome_id FROM {table}"
        " WHERE request_id = ANY(CAST(:ids AS uuid[]))"
    )


# One array of places: looked up row by row, it would find other rows each time.
_FORGET = text(
    """
    DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM idempotency WHERE created_at < CAST(:before AS timestamptz)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
    """
)


def fingerprint_of(content: bytes) -> bytes:
    """
    Return 16 bytes that stand for *content*.
    """
    return hashlib.blake2b(content, digest_size=16).digest()


async def find_requests(
    tx: Transaction, requests: Sequence[tuple[str, UUID, bytes]], *, table: Table = _TABLE
) -> Sequence[UUID | RequestIdReused | None]:
    """
    Return what each of *requests* (caller, request id, fingerprint) brought about; `None` for one
    that was not done, the refusal for one that says something else under a used id.
    """
    ids = [request_id for _, request_id, _ in requests]
    found = await tx.rows(_select(table.name), {"ids": ids})
    before = {(row.caller, row.request_id): row for row in found}
    answers: list[UUID | RequestIdReused | None] = []
    for caller, request_id, fingerprint in requests:
        row = before.get((caller, request_id))
        if row is None:
            answers.append(None)
        elif row.fingerprint == fingerprint:
            answers.append(row.outcome_id)
        else:
            answers.append(RequestIdReused.of(request_id))
    return answers


async def claim_requests(
    tx: Transaction, requests: Sequence[Request], *, now: datetime
) -> Mapping[tuple[str, UUID], UUID | RequestIdReused]:
    """
    Record *requests* as done by this transaction and return the ones that were done before: what
    they brought about, or the refusal of those that say something else under a used id.

    Args:
        requests: No two of the same caller and id.
    """
    claimed = await insert_missing_rows(tx, _TABLE, _rows(requests, now), returning="outcome_id")
    repeated = [request for request in requests if request.outcome_id not in claimed]
    if not repeated:
        return {}
    found = await tx.rows(
        _select(_TABLE.name), {"ids": [request.request_id for request in repeated]}
    )
    before = {(row.caller, row.request_id): row for row in found}
    answers: dict[tuple[str, UUID], UUID | RequestIdReused] = {}
    for request in repeated:
        row = before[request.caller, request.request_id]
        answers[request.caller, request.request_id] = (
            row.outcome_id
            if row.fingerprint == request.fingerprint
            else RequestIdReused.of(request.request_id)
        )
    return answers


async def forget_requests(tx: Transaction, *, before: datetime, limit: int = 1_000) -> int:
    """
    Forget up to *limit* requests that were done before that time, and return how many there were:
    the same request would be done again. Replicas that do so at once take different ones.
    """
    return await tx.run(_FORGET, {"before": before, "limit": limit})


async def record_requests(
    tx: Transaction, requests: Sequence[Request], *, now: datetime, table: Table = _TABLE
) -> None:
    """
    Record *requests*, which `find_requests` does not know, as done by this transaction; before its
    next read or at its end.

    Args:
        requests: No two of the same caller and id.

    Raises:
        Conflict: Now or at the end of the transaction: one of them was done meanwhile.
    """
    await insert_rows(tx, table, _rows(requests, now), raced=True)


def _rows(requests: Sequence[Request], now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "caller": request.caller,
            "request_id": request.request_id,
            "fingerprint": request.fingerprint,
            "outcome_id": request.outcome_id,
            "created_at": now,
        }
        # One global order, so that two batches never wait for each other in a circle.
        for request in sorted(requests, key=lambda r: (r.request_id, r.caller))
    ]
