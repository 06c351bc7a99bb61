"""What the events of three contexts tell of an order, as far as its history cares."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.kernel.money import Money
from services.order.domain.values import AccountId, Goods, LocationId, OrderId, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    account_id: AccountId
    grand_total: Money
    goods: tuple[Goods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """
    Attributes:
        units_at: How many units each location is to send.
    """

    units_at: Mapping[LocationId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    grand_total: Money
    goods: tuple[Goods, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    status: OrderStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Authorized:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """
    Attributes:
        total: All that was taken so far, in minor units.
    """

    total: int


@dataclass(frozen=True, slots=True)
class Voided:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """
    Attributes:
        total: All that was paid back so far and stayed so, in minor units.
    """

    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedBack:
    """
    Attributes:
        amount: What the payer's bank took; below zero if it gave it back. In minor units.
    """

    amount: int


@dataclass(frozen=True, slots=True)
class WorkAccepted:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkChanged:
    """
    Attributes:
        units: All that is to be sent now; nothing if the work was given up.
    """

    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkUnfulfillable:
    location_id: LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelDispatched:
    units: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelDelivered:
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelLost:
    """
    A parcel will not arrive: it was lost or turned back.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsReturned:
    """
    Attributes:
        units: How many were accepted.
    """

    units: int


OrderFact = Placed | Confirmed | Changed | Ended
PaymentFact = Authorized | Captured | Voided | Refunded | ChargedBack
WorkFact = (
    WorkAccepted | WorkChanged | WorkUnfulfillable | ParcelDispatched | ParcelDelivered | ParcelLost
)
ReturnFact = GoodsReturned
Fact = OrderFact | PaymentFact | WorkFact | ReturnFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    One event, as the history hears it.

    Attributes:
        aggregate_id: What it happened to: the order, its payment, some work for it, or a return.
        version: Counts the events of the aggregate.
        at: When it happened.
        fact: What it tells; `None` if that is nothing to the history.
    """

    order_id: OrderId
    aggregate_id: UUID
    version: int
    at: datetime
    fact: Fact | None
