"""What the use cases need from the outside, in their own words."""

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import DomainError, NotFound, RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.product import Product
from services.product.domain.reservation import Reservation
from services.product.domain.stock_item import StockItem
from services.product.domain.values import Place, ProductId, ReservationId


class ProductNotFound(NotFound):
    pass


class SkuTaken(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldVariant:
    """
    What an order line needs to know of a variant.
    """

    sku: Sku
    title: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    A request to be done once.

    Attributes:
        operation: What is asked for; two operations may use one id.
        content: What the request says, in one unambiguous form.
        outcome_id: The id of what it brings about if it is new; no two requests have the same.
    """

    operation: str
    request_id: UUID
    content: str
    outcome_id: UUID


class Requests(Protocol):
    """
    Every request there was.
    """

    async def claim(
        self, requests: Sequence[Request], *, now: datetime
    ) -> Sequence[UUID | DomainError | None]:
        """
        Record *requests* as done by this transaction, and answer for each: `None` if it is new;
        the outcome's id if it was done before, or earlier in this batch; a refusal if it says
        something else under a used id. Waits for a transaction that does the same one now.
        """
        ...


class Products(Protocol):
    """
    Every product there is.
    """

    async def get(self, product_id: ProductId) -> Product:
        """
        Raises:
            ProductNotFound: There is no such product.
        """
        ...

    async def lock(self, product_id: ProductId) -> Product:
        """
        Return the product to be changed: nobody else can until this transaction ends.

        Raises:
            ProductNotFound: There is no such product.
        """
        ...

    async def page(self, *, after: ProductId | None, limit: int) -> Sequence[Product]:
        """
        Return up to *limit* products with ids beyond *after*, in the order of their ids.
        """
        ...

    async def sold_variants(self, skus: Sequence[Sku]) -> Sequence[SoldVariant]:
        """
        Return those of *skus* that can be ordered.
        """
        ...

    async def save(self, product: Product) -> None:
        """
        Raises:
            SkuTaken: Another product has one of its SKUs.
        """
        ...


class StockItems(Protocol):
    """
    Every stock item there is.

    To lock is to wait until nobody else changes them, and to keep all others waiting until this
    transaction ends. All callers lock in one order and after the reservations they lock: so no
    two transactions ever wait for each other.
    """

    async def of(self, skus: Sequence[Sku]) -> Sequence[StockItem]:
        """
        Return the stock items of *skus* at all locations, as they are now.
        """
        ...

    async def lock_skus(self, skus: Set[Sku]) -> Sequence[StockItem]:
        """
        Return the stock items of *skus* at all locations, locked.
        """
        ...

    async def lock(self, places: Set[Place]) -> Sequence[StockItem]:
        """
        Return the stock items at *places*, locked.
        """
        ...

    async def open(self, places: Set[Place]) -> Sequence[StockItem]:
        """
        Return the stock items at *places*, locked; empty ones where there were none.
        """
        ...

    async def save(self, items: Sequence[StockItem]) -> None:
        """
        Write the counts and the movements of *items*.
        """
        ...


class Reservations(Protocol):
    """
    Every reservation there is. To lock one is as with stock items.
    """

    async def claim(
        self, begun: Mapping[ReservationId, Reservation]
    ) -> Mapping[ReservationId, Reservation]:
        """
        Return the reservations with the ids of *begun*, locked: the ones that were there, and
        of the others the begun ones, which are saved now. Of two transactions that begin the
        same one, the second waits for the first and then finds its reservation.
        """
        ...

    async def lock(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        """
        Return those of the reservations *ids* that exist, locked.
        """
        ...

    async def lock_overdue(
        self, now: datetime, *, limit: int
    ) -> Mapping[ReservationId, Reservation]:
        """
        Return up to *limit* overdue holds, locked; leave out what somebody else has locked.
        """
        ...

    async def save(self, reservations: Sequence[Reservation]) -> None:
        """
        Write those of *reservations* that have changed.
        """
        ...

    async def forget(self, reservations: Sequence[Reservation]) -> None:
        """
        Undo the claim of *reservations* that came to nothing: their ids may be used again.
        """
        ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def requests(self) -> Requests: ...

    @property
    def products(self) -> Products: ...

    @property
    def stock_items(self) -> StockItems: ...

    @property
    def reservations(self) -> Reservations: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]
