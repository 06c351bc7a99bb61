"""Requests, remembered in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.kernel.errors import DomainError
from chassis.storage import idempotency
from chassis.storage.database import Transaction
from services.product.application.ports.requests import Request


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


def _record(request: Request) -> idempotency.Request:
    return idempotency.Request(
        caller=request.operation,
        request_id=request.request_id,
        fingerprint=idempotency.fingerprint_of(request.content.encode()),
        outcome_id=request.outcome_id,
    )
