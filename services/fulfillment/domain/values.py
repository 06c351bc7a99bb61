"""The words of fulfillment: identities, goods, addresses and states."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku

OrderId = NewType("OrderId", UUID)
FulfillmentOrderId = NewType("FulfillmentOrderId", UUID)
OfferId = NewType("OfferId", UUID)
ShipmentId = NewType("ShipmentId", UUID)
ProviderId = NewType("ProviderId", str)
LocationId = NewType("LocationId", str)

# Fixed for ever: the ids of all fulfillment orders follow from it.
_NAMESPACE = UUID("5b0f6c1e-6f2e-5c86-9d3a-0d6f3b1c7a42")


def fulfillment_order_id(order_id: OrderId, location_id: LocationId) -> FulfillmentOrderId:
    """
    Return the id of the work of an order at a location: always the same, so that opening it twice
    cannot make two.
    """
    return FulfillmentOrderId(uuid5(_NAMESPACE, f"{order_id}/{location_id}"))


class FulfillmentOrderStatus(StrEnum):
    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    UNFULFILLABLE = "UNFULFILLABLE"


class RequestStatus(StrEnum):
    UNSUBMITTED = "UNSUBMITTED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    CANCELLATION_REQUESTED = "CANCELLATION_REQUESTED"
    CANCELLATION_ACCEPTED = "CANCELLATION_ACCEPTED"
    CANCELLATION_REJECTED = "CANCELLATION_REJECTED"


class ServiceLevel(StrEnum):
    STANDARD = "STANDARD"
    EXPRESS = "EXPRESS"


class OfferState(StrEnum):
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    WITHDRAWN = "WITHDRAWN"


class ShipmentState(StrEnum):
    PENDING = "PENDING"
    PACKED = "PACKED"
    DISPATCHED = "DISPATCHED"
    DELIVERED = "DELIVERED"
    LOST = "LOST"
    RETURNED_TO_SENDER = "RETURNED_TO_SENDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """
    Where a parcel goes.

    Attributes:
        name: The consignee.
        country_code: ISO 3166-1 alpha-2, such as "GB".
    """

    name: str
    lines: tuple[str, ...]
    city: str
    postal_code: str
    country_code: str


@dataclass(frozen=True, slots=True, order=True)
class Goods:
    """
    Some quantity of one SKU.
    """

    sku: Sku
    quantity: Quantity


def merged(goods: Iterable[Goods]) -> tuple[Goods, ...]:
    """
    Return *goods* with each SKU once, in order of SKU.
    """
    units: dict[Sku, int] = {}
    for some in goods:
        units[some.sku] = units.get(some.sku, 0) + some.quantity.units
    return tuple(Goods(sku, Quantity(units[sku])) for sku in sorted(units))


def units_of(goods: Iterable[Goods]) -> int:
    """
    Return how many units *goods* are, whatever their SKU.
    """
    return sum(some.quantity.units for some in goods)
