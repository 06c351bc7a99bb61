"""Use case: somebody looks at what a carrier said of a parcel."""

from collections.abc import Sequence

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain import refusals
from services.fulfillment.domain.tracking import TrackingEvent
from services.fulfillment.domain.values import ShipmentId

MOST = 200


async def list_tracking(shipment_id: ShipmentId, *, uow: UnitOfWork) -> Sequence[TrackingEvent]:
    """
    Return what was said, latest first; the latest 200 at most.

    Raises:
        ShipmentNotFound: There is no such parcel.
    """
    async with uow() as tx:
        if not await tx.fulfillment_orders.holders_of([shipment_id]):
            raise refusals.ShipmentNotFound(f"there is no shipment {shipment_id}")
        return await tx.tracking.of(shipment_id, limit=MOST)
