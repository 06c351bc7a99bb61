"""Use case: a provider prints the label of a parcel."""

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.domain import refusals
from services.fulfillment.domain.values import ProviderId, ShipmentId


async def get_label(
    shipment_id: ShipmentId, provider_id: ProviderId, *, uow: UnitOfWork
) -> KeptLabel:
    """
    Raises:
        ShipmentNotFound: No such parcel was packed, or not by this provider.
        LabelNotReady: The label is being made.
    """
    async with uow() as tx:
        label = await tx.parcel_labels.find(shipment_id, provider_id)
    if label is None:
        raise refusals.ShipmentNotFound(f"there is no packed shipment {shipment_id}")
    if not label.content:
        raise refusals.LabelNotReady(f"the label of shipment {shipment_id} is being made")
    return label
