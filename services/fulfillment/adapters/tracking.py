"""What carriers say, kept in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence, Set

from sqlalchemy import text

from chassis.storage.bulk import insert_missing_rows
from chassis.storage.database import Transaction
from services.fulfillment.adapters import tables
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import ShipmentId

_PARCELS_OF = text(
    """
    SELECT wanted.number, last.id
    FROM unnest(CAST(:numbers AS text[])) AS wanted (number), LATERAL (
        SELECT id FROM shipments
        WHERE tracking_number = wanted.number AND tracking_number <> ''
        ORDER BY coalesce(packed_at, dispatched_at) DESC LIMIT 1
    ) AS last
    """
)
_OF = text(
    """
    SELECT * FROM tracking_events WHERE shipment_id = :shipment_id
    ORDER BY occurred_at DESC, event_id DESC LIMIT :limit
    """
)


class SqlTracking:
    """
    Keeps each event once, by its parcel and its id.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def parcels_of(self, tracking_numbers: Collection[str]) -> Mapping[str, ShipmentId]:
        rows = await self._tx.rows(_PARCELS_OF, {"numbers": list(tracking_numbers)})
        return {row.number: ShipmentId(row.id) for row in rows}

    async def note(
        self, events: Mapping[tuple[ShipmentId, str], TrackingEvent]
    ) -> Set[tuple[ShipmentId, str]]:
        rows = [
            {
                "shipment_id": shipment_id,
                "event_id": event_id,
                "state": event.state,
                "occurred_at": event.occurred_at,
                "place": event.place,
                "description": event.description,
            }
            # The parcels' work is locked: nobody else writes of them meanwhile.
            for (shipment_id, event_id), event in events.items()
        ]
        return await insert_missing_rows(
            self._tx, tables.tracking_events, rows, returning="(shipment_id, event_id)"
        )

    async def of(self, shipment_id: ShipmentId, *, limit: int) -> Sequence[TrackingEvent]:
        rows = await self._tx.rows(_OF, {"shipment_id": shipment_id, "limit": limit})
        return [
            TrackingEvent(
                event_id=row.event_id,
                state=TrackingState(row.state),
                occurred_at=row.occurred_at,
                place=row.place,
                description=row.description,
            )
            for row in rows
        ]
