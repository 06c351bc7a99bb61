"""Everything this service tells the world. The wire form is `product_events.proto`."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.values import (
    CategoryId,
    Goods,
    LocationId,
    ProductId,
    ReservationId,
    ShipmentId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCreated:
    product_id: ProductId
    title: str
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPublished:
    product_id: ProductId
    title: str
    prices: tuple[tuple[Sku, Money], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged:
    """
    What is known of a product has changed, apart from prices.

    Attributes:
        skus: Those that are sold now.
    """

    product_id: ProductId
    title: str
    changed_fields: tuple[str, ...]
    skus: tuple[Sku, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChanged:
    """
    Attributes:
        prices: What one unit of each costs now, in the variant's own currency.
    """

    product_id: ProductId
    prices: tuple[tuple[Sku, Money], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductArchived:
    product_id: ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryCreated:
    category_id: CategoryId
    parent_id: CategoryId | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryChanged:
    category_id: CategoryId
    parent_id: CategoryId | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryDeleted:
    category_id: CategoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReceived:
    sku: Sku
    location_id: LocationId
    quantity: int
    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReturned:
    sku: Sku
    location_id: LocationId
    quantity: int
    sellable: bool
    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAdjusted:
    sku: Sku
    location_id: LocationId
    kind: str
    reason: str
    delta_on_hand: int
    delta_damaged: int
    on_hand: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockDepleted:
    sku: Sku
    location_id: LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReplenished:
    sku: Sku
    location_id: LocationId
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockReserved:
    reservation_id: ReservationId
    goods: tuple[Goods, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExtended:
    reservation_id: ReservationId
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationConfirmed:
    reservation_id: ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReleased:
    reservation_id: ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationReduced:
    reservation_id: ReservationId
    goods: tuple[Goods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExpired:
    reservation_id: ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class StockShipped:
    reservation_id: ReservationId
    shipment_id: ShipmentId
    goods: tuple[Goods, ...]


StockItemEvent = StockReceived | StockReturned | StockAdjusted | StockDepleted | StockReplenished
ReservationEvent = (
    StockReserved
    | ReservationExtended
    | ReservationConfirmed
    | ReservationReleased
    | ReservationReduced
    | ReservationExpired
    | StockShipped
)
CatalogEvent = ProductCreated | ProductPublished | ProductChanged | PriceChanged | ProductArchived
CategoryEvent = CategoryCreated | CategoryChanged | CategoryDeleted
ProductEvent = CatalogEvent | CategoryEvent | StockItemEvent | ReservationEvent
