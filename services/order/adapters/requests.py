"""Which requests to place an order were done, kept in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.kernel.errors import DomainError
from chassis.storage.database import Transaction
from chassis.storage.idempotency import Request, RequestIdReused, claim_requests, find_requests
from services.order.application.ports import RequestKey
from services.order.domain.values import OrderId


class SqlRequests:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def find(self, keys: Sequence[RequestKey]) -> Sequence[OrderId | DomainError | None]:
        known = await find_requests(
            self._tx, [(key.account_id, key.request_id, key.fingerprint) for key in keys]
        )
        return [OrderId(each) if isinstance(each, UUID) else each for each in known]

    async def claim(
        self, requests: Sequence[tuple[RequestKey, OrderId]], *, now: datetime
    ) -> Sequence[OrderId | DomainError]:
        # Two of one batch under one id: the first one counts.
        firsts: dict[tuple[str, UUID], tuple[RequestKey, OrderId]] = {}
        for key, order_id in requests:
            firsts.setdefault((key.account_id, key.request_id), (key, order_id))
        records = [
            Request(
                caller=key.account_id,
                request_id=key.request_id,
                fingerprint=key.fingerprint,
                outcome_id=order_id,
            )
            for key, order_id in firsts.values()
        ]
        before = await claim_requests(self._tx, records, now=now)
        answers: list[OrderId | DomainError] = []
        for key, _ in requests:
            first, order_id = firsts[key.account_id, key.request_id]
            stands = before.get((key.account_id, key.request_id), order_id)
            if isinstance(stands, UUID) and first.fingerprint != key.fingerprint:
                stands = RequestIdReused.of(key.request_id)
            answers.append(OrderId(stands) if isinstance(stands, UUID) else stands)
        return answers
