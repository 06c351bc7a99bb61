"""Which requests to place an order were done, kept in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.kernel.errors import DomainError
from chassis.storage.database import Transaction
from chassis.storage.idempotency import Request, RequestIdReused, claim_requests
from services.order.application.ports import NewRequest
from services.order.domain.values import OrderId


class SqlRequests:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def claim(
        self, requests: Sequence[NewRequest], *, now: datetime
    ) -> Sequence[OrderId | DomainError]:
        # Two of one batch under one id: the first one counts.
        firsts: dict[tuple[str, UUID], NewRequest] = {}
        for request in requests:
            firsts.setdefault((request.account_id, request.request_id), request)
        before = await claim_requests(self._tx, [_record(r) for r in firsts.values()], now=now)
        answers: list[OrderId | DomainError] = []
        for request in requests:
            key = (request.account_id, request.request_id)
            earlier = before.get(key, firsts[key].order_id)
            if firsts[key].fingerprint != request.fingerprint:
                answers.append(
                    RequestIdReused(f"request_id {request.request_id} stands twice in the batch")
                )
            elif isinstance(earlier, UUID):
                answers.append(OrderId(earlier))
            else:
                answers.append(earlier)
        return answers


def _record(request: NewRequest) -> Request:
    return Request(
        caller=request.account_id,
        request_id=request.request_id,
        fingerprint=request.fingerprint,
        outcome_id=request.order_id,
    )
