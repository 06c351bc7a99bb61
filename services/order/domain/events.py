"""Everything this service tells the world. The wire form is `order_events.proto`."""

from dataclasses import dataclass

from chassis.kernel.money import Money
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Goods,
    OrderId,
    Reason,
    ServiceLevel,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    order_id: OrderId
    account_id: AccountId
    grand_total: Money
    goods: tuple[Goods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed:
    order_id: OrderId
    account_id: AccountId
    ship_to: Address
    goods: tuple[Allocation, ...]
    service_level: ServiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    order_id: OrderId
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled:
    order_id: OrderId
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCompleted:
    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    order_id: OrderId
    change_number: int
    grand_total: Money
    goods: tuple[Goods, ...]


OrderEvent = (
    OrderPlaced | OrderConfirmed | OrderRejected | OrderCancelled | OrderCompleted | OrderChanged
)
