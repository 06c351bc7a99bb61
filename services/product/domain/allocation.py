"""Allocations: which location gives what to a reservation, and what of it has shipped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from chassis.kernel.errors import RuleViolated
from chassis.kernel.text import Sku
from services.product.domain.values import (
    Goods,
    Kept,
    Lines,
    LocationId,
    Place,
    ReservationId,
    ShipmentId,
)


class ShippedTooMuch(RuleViolated):
    pass


class AlreadyShipped(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """
    Some units of one SKU at one location, and how many of them have shipped.

    Attributes:
        quantity: What is promised now, shipped or not; nothing if all of it was given back.
        given_back: What was promised beyond that at first.
    """

    sku: Sku
    location_id: LocationId
    quantity: int
    shipped: int = 0
    given_back: int = 0

    @property
    def place(self) -> Place:
        return Place(sku=self.sku, location_id=self.location_id)

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

    @property
    def goods(self) -> tuple[Goods, ...]:
        return tuple(
            Goods(sku=sku, location_id=self.location_id, quantity=quantity.units)
            for sku, quantity in self.lines.items()
        )


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


def allocations_kept(
    allocations: Iterable[Allocation], kept: Kept, *, of: ReservationId
) -> tuple[Allocation, ...]:
    """
    Return *allocations* of a reservation that keeps *kept* of them and gives back the rest; where
    there is less, it stays so.

    Raises:
        AlreadyShipped: More than that has shipped.
    """
    return tuple(_kept(a, kept[a.place].units if a.place in kept else 0, of) for a in allocations)


def _kept(allocation: Allocation, units: int, of: ReservationId) -> Allocation:
    if units >= allocation.quantity:
        return allocation
    if units < allocation.shipped:
        raise AlreadyShipped(
            f"{allocation.shipped} units of {allocation.sku} have left {allocation.location_id},"
            f" where reservation {of} shall keep {units}"
        )
    given_back = allocation.quantity - units
    return replace(allocation, quantity=units, given_back=allocation.given_back + given_back)


def goods_of(allocations: Iterable[Allocation]) -> tuple[Goods, ...]:
    """
    Return what *allocations* promise now, shipped or not.
    """
    return tuple(
        Goods(sku=a.sku, location_id=a.location_id, quantity=a.quantity)
        for a in allocations
        if a.quantity
    )


def were_made_for(allocations: Iterable[Allocation], lines: Lines) -> bool:
    """
    Return whether *allocations* were made for *lines*, or are now just what these ask for.
    """
    at_first: Counter[Sku] = Counter()
    now: Counter[Sku] = Counter()
    for a in allocations:
        at_first[a.sku] += a.quantity + a.given_back
        now[a.sku] += a.quantity
    return Counter({sku: quantity.units for sku, quantity in lines.items()}) in (at_first, now)
