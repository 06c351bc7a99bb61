"""Requests, remembered in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from chassis.kernel.errors import DomainError
from chassis.storage import idempotency
from chassis.storage.database import Transaction
from services.product.application.ports.requests import Request

# By what only this transaction has claimed: nobody else's claim of an equal id goes with it.
_FORGET = text(
    """
    DELETE FROM idempotency WHERE request_id = ANY(CAST(:ids AS uuid[]))
        AND outcome_id = ANY(CAST(:outcomes AS uuid[]))
    """
)


class SqlRequests:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def claim(
        self, requests: Sequence[Request], *, now: datetime
    ) -> Sequence[UUID | DomainError | None]:
        # Of several with one id in this batch, the first is the one to be done.
        first = {(r.operation, r.request_id): r for r in reversed(requests)}
        done = await idempotency.claim_requests(
            self._tx, [_record(request) for request in first.values()], now=now
        )
        answers: list[UUID | DomainError | None] = []
        for request in requests:
            key = request.operation, request.request_id
            if request is first[key] or isinstance(done.get(key), DomainError):
                answers.append(done.get(key))
            elif request.content == first[key].content:
                answers.append(done.get(key, first[key].outcome_id))
            else:
                answers.append(
                    idempotency.RequestIdReused(
                        f"request_id {request.request_id} is used twice, for different requests"
                    )
                )
        return answers

    async def forget(self, requests: Sequence[Request]) -> None:
        if requests:
            ids = [request.outcome_id for request in requests]
            await self._tx.run(_FORGET, {"ids": [r.request_id for r in requests], "outcomes": ids})


def _record(request: Request) -> idempotency.Request:
    return idempotency.Request(
        caller=request.operation,
        request_id=request.request_id,
        fingerprint=idempotency.fingerprint_of(request.content.encode()),
        outcome_id=request.outcome_id,
    )
