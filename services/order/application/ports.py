"""What the use cases need from the outside, in their own words."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import DomainError, NotFound
from chassis.kernel.text import Sku
from services.order.application.accounts.ports import Accounts
from services.order.application.carts.ports import CartRequests, Carts
from services.order.application.returns.ports import ReturnCases
from services.order.domain.order import Order
from services.order.domain.period import ALWAYS, Period
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.timeline import TimelineEntry
from services.order.domain.values import AccountId, OrderId, OrderStatus


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
        period: Period = ALWAYS,
    ) -> Sequence[Order]:
        """
        Return an account's orders of a period, newest first, that are older than *before*.
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

    async def end(self, ids: Sequence[UUID]) -> None: ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def orders(self) -> Orders: ...

    @property
    def returns(self) -> ReturnCases: ...

    @property
    def requests(self) -> Requests: ...

    @property
    def sagas(self) -> SagaStarts: ...

    @property
    def carts(self) -> Carts: ...

    @property
    def cart_requests(self) -> CartRequests: ...

    @property
    def accounts(self) -> Accounts: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]


class Catalog(Protocol):
    """
    What is sold, and what it costs today.
    """

    async def sold(self, skus: Sequence[Sku]) -> Mapping[Sku, SoldVariant]:
        """
        Return what is known of those *skus* that are sold.
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
