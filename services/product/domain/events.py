"""Everything this service tells the world. The wire form is `product_events.proto`."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.values import Goods, LocationId, ProductId, ReservationId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPublished:
    product_id: ProductId
    title: str
    prices: tuple[tuple[Sku, Money], ...]


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
    | ReservationExpired
    | StockShipped
)
ProductEvent = ProductPublished | StockItemEvent | ReservationEvent
