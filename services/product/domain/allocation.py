"""Allocations: which location gives what to a reservation, and what of it has shipped."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chassis.kernel.errors import RuleViolated
from chassis.kernel.text import Sku
from services.product.domain.values import Lines, LocationId, ReservationId, ShipmentId


class ShippedTooMuch(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """
    Some units of one SKU at one location, and how many of them have shipped.
    """

    sku: Sku
    location_id: LocationId
    quantity: int
    shipped: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """
    What left one location in one parcel.
    """

    id: ShipmentId
    location_id: LocationId
    lines: Lines


def allocations_less(
    allocations: Iterable[Allocation], shipment: Shipment, *, of: ReservationId
) -> tuple[Allocation, ...]:
    """
    Return *allocations* of a reservation once *shipment* has taken its share.

    Raises:
        ShippedTooMuch: That much is not allocated, or no longer, at the shipment's location.
    """
    left = {a.sku: a.left for a in allocations if a.location_id == shipment.location_id}
    for sku, quantity in shipment.lines.items():
        if quantity.units > left.get(sku, 0):
            raise ShippedTooMuch(
                f"{quantity.units} units of {sku} left {shipment.location_id}, where"
                f" {left.get(sku, 0)} are allocated to reservation {of}"
            )
    return tuple(
        replace(a, shipped=a.shipped + shipment.lines[a.sku].units)
        if a.location_id == shipment.location_id and a.sku in shipment.lines
        else a
        for a in allocations
    )
