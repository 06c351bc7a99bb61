"""The other contexts that take part in an order's story, in our own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.order.domain.order import Order
from services.order.domain.shipment import Shipment
from services.order.domain.values import Address, Allocation, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """
    Another context said no.

    Attributes:
        reason: Its reason, such as OUT_OF_STOCK.
        passing: Whether the same question may be answered otherwise later: an outage or a
            conflict, not a decision.
    """

    reason: str
    passing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """
    Another context has to ask somebody first.

    Attributes:
        answer_by: By when all who are asked by now will have answered.
    """

    answer_by: datetime


class Inventory(Protocol):
    """
    The stock that product keeps. A reservation has its order's id; every verb may be repeated.
    """

    async def reserve(self, orders: Sequence[Order]) -> Sequence[tuple[Allocation, ...] | Refused]:
        """
        Hold the goods of each order, all or nothing; return which location gives what.
        """
        ...

    async def confirm(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        """
        Turn each order's hold into an allocation that does not expire.
        """
        ...

    async def release(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        """
        Give back what each order holds and has not shipped.
        """
        ...

    async def reduce(
        self, kept: Sequence[tuple[Order, Sequence[Allocation]]]
    ) -> Sequence[Refused | None]:
        """
        Give back all that each order holds beyond what it keeps.
        """
        ...

    async def consume(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        """
        Book out the goods of each parcel.
        """
        ...


class Payments(Protocol):
    """
    The money that payment keeps. A payment has its order's id; every verb may be repeated.
    """

    async def authorize(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        """
        Set aside each order's grand total.
        """
        ...

    async def capture(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        """
        Take the value of each parcel.
        """
        ...

    async def void(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        """
        Give back what was set aside for each order and not taken.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentChange:
    """
    How the work on an order shall be.

    Attributes:
        number: The order's own count of its changes.
        goods: All that is to be sent from then on.
    """

    order_id: OrderId
    number: int
    ship_to: Address
    goods: tuple[Allocation, ...]


class Fulfillment(Protocol):
    """
    The work that fulfillment follows.
    """

    async def change(self, changes: Sequence[FulfillmentChange]) -> Sequence[Refused | None]:
        """
        Change the work on each order, unless a parcel has left. A change is done once.
        """
        ...

    async def cancel(self, orders: Sequence[Order]) -> Sequence[Refused | Pending | None]:
        """
        Give up the work on each order, unless a parcel has left; where providers do the work
        already, they are asked, and may refuse.
        """
        ...
