"""Which requests to change carts were done, kept in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.kernel.errors import DomainError
from chassis.storage.database import Transaction
from chassis.storage.idempotency import Request, find_requests, record_requests
from services.order.adapters import tables
from services.order.application.carts.ports import CartRequest
from services.order.domain.cart import CartId


class SqlCartRequests:
    """
    Apart from the requests for orders, as these go when their cart goes.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def find(self, requests: Sequence[CartRequest]) -> Sequence[CartId | DomainError | None]:
        known = await find_requests(
            self._tx, [(*r.key, r.fingerprint) for r in requests], table=tables.cart_requests
        )
        return [CartId(each) if isinstance(each, UUID) else each for each in known]

    async def record(
        self, requests: Sequence[tuple[CartRequest, CartId]], *, now: datetime
    ) -> None:
        records = [
            Request(
                caller=request.caller,
                request_id=request.request_id,
                fingerprint=request.fingerprint,
                outcome_id=cart_id,
            )
            for request, cart_id in requests
        ]
        await record_requests(self._tx, records, now=now, table=tables.cart_requests)
