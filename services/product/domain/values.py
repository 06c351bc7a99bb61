"""Identities and other small values of the product service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NewType
from uuid import UUID, uuid5

from chassis.kernel.errors import Conflict, InvalidInput
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku

ProductId = NewType("ProductId", UUID)
CategoryId = NewType("CategoryId", UUID)
StockItemId = NewType("StockItemId", UUID)
ReservationId = NewType("ReservationId", UUID)
ShipmentId = NewType("ShipmentId", UUID)
LocationId = NewType("LocationId", str)

# Units wanted of each SKU: a SKU cannot be in it twice.
Lines = Mapping[Sku, Quantity]

_LOCATION = re.compile(r"[a-z0-9-]{1,64}")
# Fixed for ever: every stock item's id was made with it.
_STOCK_ITEMS = UUID("6f1d6a0e-6f0b-5d0c-9a55-3f3e6a2c1b70")


class EtagMismatch(Conflict):
    """
    Somebody wants to change something that is no longer what they have seen.
    """


class LocationMalformed(InvalidInput):
    pass


class ReservationState(StrEnum):
    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    CONSUMED = "CONSUMED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where units of one SKU lie.
    """

    sku: Sku
    location_id: LocationId


# Units kept at each place; at others, none.
Kept = Mapping[Place, Quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """
    Some units of one SKU at one location.
    """

    sku: Sku
    location_id: LocationId
    quantity: int


def parse_location(text: str, field: str) -> LocationId:
    """
    Raises:
        LocationMalformed: *text* is no location; names *field*.
    """
    if not _LOCATION.fullmatch(text):
        raise LocationMalformed(
            f'{field} must be 1 to 64 of a-z, 0-9 and "-", not {text[:64]!r}', field=field
        )
    return LocationId(text)


@lru_cache(maxsize=100_000)
def stock_item_id(sku: Sku, location_id: LocationId) -> StockItemId:
    """
    Return the id of the stock item of *sku* at *location_id*: known before there is one.
    """
    return StockItemId(uuid5(_STOCK_ITEMS, f"{sku}/{location_id}"))
