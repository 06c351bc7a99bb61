"""What the use cases need from the outside, in their own words."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import DomainError, NotFound
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.application.accounts.ports import Accounts
from services.order.domain.order import Order, TimelineEntry
from services.order.domain.shipment import Shipment
from services.order.domain.values import AccountId, Allocation, OrderId, OrderStatus


class OrderNotFound(NotFound):
    pass


class ProductNotSold(NotFound):
    pass


class Orders(Protocol):
    """
    Every order there is.
    """

    async def find(self, order_ids: Sequence[OrderId]) -> dict[OrderId, Order]:
        """
        Return the orders of *order_ids* that exist.
        """
        ...

    async def get(self, account_id: AccountId, order_id: OrderId) -> Order:
        """
        Raises:
            OrderNotFound: This account has no such order.
        """
        ...

    async def page(
        self,
        account_id: AccountId,
        *,
        before: OrderId | None,
        statuses: Sequence[OrderStatus],
        limit: int,
    ) -> Sequence[Order]:
        """
        Return an account's orders, newest first, that are older than *before*.
        """
        ...

    async def timeline(self, order_id: OrderId) -> Sequence["TracedEntry"]:
        """
        Return what happened to an order, oldest first.
        """
        ...

    async def save(self, orders: Sequence[Order]) -> None:
        """
        Raises:
            Conflict: Someone else saved one of them since it was read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedEntry:
    """
    A timeline entry and the trace of the step; empty if it was not traced.
    """

    entry: TimelineEntry
    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey:
    """
    What tells one request to place an order from another.

    Attributes:
        fingerprint: Stands for all it says: another content under a used id is refused.
    """

    account_id: AccountId
    request_id: UUID
    fingerprint: bytes


class Requests(Protocol):
    """
    Which requests were done.
    """

    async def find(self, keys: Sequence[RequestKey]) -> Sequence[OrderId | DomainError | None]:
        """
        Return for each request the order it placed before, or the refusal of one that says
        something else under a used id; `None` if it was not done.
        """
        ...

    async def claim(
        self, requests: Sequence[tuple[RequestKey, OrderId]], *, now: datetime
    ) -> Sequence[OrderId | DomainError]:
        """
        Record *requests*, each with the order it places, as done. Return for each the order it
        placed, its own or an earlier one; or the refusal of one that says something else under a
        used id.
        """
        ...


class SagaStarts(Protocol):
    """
    The stories of orders.
    """

    async def start(self, step: str, traces: Mapping[UUID, str], *, now: datetime) -> None: ...

    async def wake(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def orders(self) -> Orders: ...

    @property
    def requests(self) -> Requests: ...

    @property
    def sagas(self) -> SagaStarts: ...

    @property
    def accounts(self) -> Accounts: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldVariant:
    """
    What an order line needs to know of what it orders.

    Attributes:
        price: Of one unit.
        breaks: Of one unit if so many are ordered: ever more units, ever cheaper.
    """

    title: str
    price: Money
    breaks: tuple[tuple[int, Money], ...] = ()

    def price_of(self, units: int) -> Money:
        """
        Return what each of so many units costs.
        """
        reached = [price for least, price in self.breaks if least <= units]
        return reached[-1] if reached else self.price


class Catalog(Protocol):
    """
    What is sold, and what it costs today.
    """

    async def sold(self, skus: Sequence[Sku]) -> Mapping[Sku, SoldVariant]:
        """
        Return what is known of those *skus* that are sold.
        """
        ...


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


class Fulfillment(Protocol):
    """
    The work that fulfillment follows.
    """

    async def cancel(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        """
        Give up the work on each order, unless a parcel has left.
        """
        ...


class OrderChanges(Protocol):
    """
    The moments at which orders change.
    """

    def watch(self, order_id: OrderId) -> AsyncIterator[None]:
        """
        Yield soon after each change of an order, and now and then without one.
        """
        ...
