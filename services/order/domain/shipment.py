"""A parcel of an order, as the order sees it."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from services.order.domain.values import Goods, LocationId, ShipmentId


@dataclass(kw_only=True, eq=False)
class Shipment:
    """
    Attributes:
        value: What the customer is charged for it.
        shipping: How much of the value is for shipping.
        captured: Whether the charge went through and the stock was booked out.
        delivered_at: `None` until it arrived.
        lost_at: When it was given up as lost, or turned back; `None` if it was not.
    """

    id: ShipmentId
    location_id: LocationId
    goods: tuple[Goods, ...]
    value: Money
    shipping: Money
    dispatched_at: datetime
    delivered_at: datetime | None = None
    captured: bool = False
    lost_at: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.delivered_at is not None or self.lost_at is not None
