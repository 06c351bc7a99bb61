"""The labels of parcels, kept in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import text

from chassis.storage.bulk import insert_rows
from chassis.storage.database import Transaction
from services.fulfillment.adapters import tables
from services.fulfillment.application.labels import Label
from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.domain.values import ProviderId, ShipmentId

# By the index of those that are to be made still, whatever lies behind.
_CLAIM_DUE = text(
    """
    UPDATE labels SET due_at = :until WHERE shipment_id = ANY(ARRAY(
        SELECT shipment_id FROM labels WHERE content IS NULL AND due_at <= :now
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    ))
    RETURNING shipment_id
    """
)
_KEEP = text(
    """
    UPDATE labels SET media_type = made.media_type, content = made.content
    FROM unnest(CAST(:ids AS uuid[]), CAST(:media_types AS text[]), CAST(:contents AS bytea[]))
        AS made (shipment_id, media_type, content)
    WHERE labels.shipment_id = made.shipment_id
    """
)
_FIND = text(
    """
    SELECT tracking_number, media_type, content
    FROM labels
    JOIN shipments ON shipments.id = shipment_id
    JOIN fulfillment_orders ON fulfillment_orders.id = fulfillment_order_id
    WHERE shipment_id = :id AND done_by = :provider_id
    """
)


class SqlParcelLabels:
    """
    Keeps a row for each packed parcel, from the moment that its label is wanted.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def want(self, shipment_ids: Collection[ShipmentId], *, due_at: datetime) -> None:
        rows = [
            {"shipment_id": id_, "due_at": due_at, "media_type": None, "content": None}
            for id_ in sorted(shipment_ids)
        ]
        await insert_rows(self._tx, tables.labels, rows)

    async def claim_due(
        self, now: datetime, *, until: datetime, limit: int
    ) -> Collection[ShipmentId]:
        rows = await self._tx.rows(_CLAIM_DUE, {"now": now, "until": until, "limit": limit})
        return {ShipmentId(row.shipment_id) for row in rows}

    async def keep(self, labels: Mapping[ShipmentId, Label]) -> None:
        if labels:
            made = {
                "ids": list(labels),
                "media_types": [label.media_type for label in labels.values()],
                "contents": [label.content for label in labels.values()],
            }
            await self._tx.run(_KEEP, made)

    async def find(self, shipment_id: ShipmentId, provider_id: ProviderId) -> KeptLabel | None:
        for row in await self._tx.rows(_FIND, {"id": shipment_id, "provider_id": provider_id}):
            return KeptLabel(
                tracking_number=row.tracking_number,
                media_type=row.media_type or "",
                content=row.content or b"",
            )
        return None
