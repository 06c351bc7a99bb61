"""Cancellations that wait for an answer, read from PostgreSQL without a lock."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime

from sqlalchemy import text

from chassis.storage.database import Transaction
from services.fulfillment.adapters.rows import offer_from_row, order_from_row
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, OrderId, ProviderId

_OF = text(
    """
    SELECT id, answer_cancellation_by FROM fulfillment_orders
    WHERE request_status = 'CANCELLATION_REQUESTED' AND done_by = :provider_id
    """
)
_READ = text(
    """
    SELECT fulfillment_orders.*, offers.id AS offer_id, offers.provider_id, offers.state,
        offers.expires_at, offers.reason, offers.change_number AS offer_change_number,
        offers.day AS offer_day
    FROM fulfillment_orders JOIN offers ON fulfillment_order_id = fulfillment_orders.id
    WHERE fulfillment_orders.id = ANY(CAST(:ids AS uuid[]))
        AND request_status = 'CANCELLATION_REQUESTED'
        AND offers.provider_id = :provider_id AND offers.state = 'ACCEPTED'
    ORDER BY fulfillment_orders.id
    """
)
_OVERDUE = text(
    """
    SELECT order_id FROM fulfillment_orders
    WHERE request_status = 'CANCELLATION_REQUESTED' AND answer_cancellation_by <= :now
    ORDER BY answer_cancellation_by LIMIT :limit
    """
)
_NEXT_DEADLINE = text(
    """
    SELECT min(answer_cancellation_by) AS first FROM fulfillment_orders
    WHERE request_status = 'CANCELLATION_REQUESTED'
    """
)


class SqlOpenCancellations:
    """
    Reads by a partial index that holds open cancellations only: what it costs does not grow with
    history.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def of(self, provider_id: ProviderId) -> Mapping[FulfillmentOrderId, datetime]:
        rows = await self._tx.rows(_OF, {"provider_id": provider_id})
        return {FulfillmentOrderId(row.id): row.answer_cancellation_by for row in rows}

    async def read(
        self, provider_id: ProviderId, ids: Collection[FulfillmentOrderId]
    ) -> Sequence[FulfillmentOrder]:
        rows = await self._tx.rows(_READ, {"provider_id": provider_id, "ids": list(ids)})
        # Nothing has left, or it would not be asked for.
        return [order_from_row(row, offers=[offer_from_row(row)], shipments=[]) for row in rows]

    async def overdue(self, now: datetime, *, limit: int) -> Set[OrderId]:
        rows = await self._tx.rows(_OVERDUE, {"now": now, "limit": limit})
        return {OrderId(row.order_id) for row in rows}

    async def next_deadline(self) -> datetime | None:
        (row,) = await self._tx.rows(_NEXT_DEADLINE)
        first: datetime | None = row.first
        return first
