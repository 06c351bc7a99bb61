"""Shipments: the parcels of a fulfillment order."""

from dataclasses import dataclass
from datetime import datetime

from services.fulfillment.domain.values import Goods, ShipmentId, ShipmentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    A parcel.

    Attributes:
        goods: What is in it, each SKU once.
    """

    id: ShipmentId
    state: ShipmentState = ShipmentState.DISPATCHED
    goods: tuple[Goods, ...]
    tracking_number: str
    dispatched_at: datetime
    delivered_at: datetime | None = None

    @property
    def is_delivered(self) -> bool:
        return self.state is ShipmentState.DELIVERED
