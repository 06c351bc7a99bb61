"""What returns tell the world. The wire form is `fulfillment_events.proto`."""

from dataclasses import dataclass

from chassis.kernel.text import Sku
from services.fulfillment.domain.returns.values import (
    AccountId,
    Resolution,
    ReturnId,
    ReturnKind,
    ReturnReason,
)
from services.fulfillment.domain.values import Goods, LocationId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnRequested:
    return_id: ReturnId
    order_id: OrderId
    account_id: AccountId
    kind: ReturnKind
    goods: tuple[Goods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnApproved:
    return_id: ReturnId
    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDeclined:
    return_id: ReturnId
    order_id: OrderId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedGoods:
    """
    What came back of one SKU.

    Attributes:
        sellable: Units to be booked in as sellable; `damaged` likewise.
        accepted: Units that the customer gets money or a replacement for.
    """

    sku: Sku
    sellable: int
    damaged: int
    accepted: int
    reason: ReturnReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnReceived:
    """
    Attributes:
        location_id: Where the goods are now; empty for a claim.
    """

    return_id: ReturnId
    order_id: OrderId
    account_id: AccountId
    kind: ReturnKind
    resolution: Resolution
    location_id: LocationId
    goods: tuple[ReturnedGoods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnClosed:
    return_id: ReturnId
    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCancelled:
    return_id: ReturnId
    order_id: OrderId
    reason: str


ReturnEvent = (
    ReturnRequested
    | ReturnApproved
    | ReturnDeclined
    | ReturnReceived
    | ReturnClosed
    | ReturnCancelled
)
