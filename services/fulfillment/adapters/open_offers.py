"""Open offers, read from PostgreSQL without a lock."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from chassis.storage.database import Transaction
from services.fulfillment.adapters.rows import offer_from_row, order_from_row
from services.fulfillment.application.ports import OfferedWork
from services.fulfillment.domain.values import OfferId, ProviderId

# Answered by the index of open offers alone, whatever lies behind.
_OPEN = text(
    """
    SELECT id, change_number FROM offers WHERE provider_id = :provider_id AND state = 'SUBMITTED'
    """
)
_READ = text(
    """
    SELECT fulfillment_orders.*, offers.id AS offer_id, provider_id, state, expires_at, reason,
        offers.change_number AS offer_change_number, offers.day AS offer_day
    FROM offers JOIN fulfillment_orders ON fulfillment_orders.id = fulfillment_order_id
    WHERE offers.id = ANY(CAST(:ids AS uuid[]))
        AND provider_id = :provider_id AND state = 'SUBMITTED'
    ORDER BY offers.id
    """
)
_NEXT_EXPIRY = text("SELECT min(expires_at) AS first FROM offers WHERE state = 'SUBMITTED'")


class SqlOpenOffers:
    """
    Reads by partial indexes: what it costs does not grow with history.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def of(self, provider_id: ProviderId) -> Mapping[OfferId, int]:
        rows = await self._tx.rows(_OPEN, {"provider_id": provider_id})
        return {OfferId(row.id): row.change_number for row in rows}

    async def read(
        self, provider_id: ProviderId, ids: Collection[OfferId]
    ) -> Sequence[OfferedWork]:
        rows = await self._tx.rows(_READ, {"provider_id": provider_id, "ids": list(ids)})
        return [
            OfferedWork(offer=offer, order=order_from_row(row, offers=[offer], shipments=[]))
            for row in rows
            for offer in [offer_from_row(row)]
        ]

    async def next_expiry(self) -> datetime | None:
        (row,) = await self._tx.rows(_NEXT_EXPIRY)
        first: datetime | None = row.first
        return first
