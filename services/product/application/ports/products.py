"""Every product there is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chassis.kernel.errors import NotFound, RuleViolated
from chassis.kernel.text import Sku
from services.product.domain.price import PriceList
from services.product.domain.product import Product, ProductState
from services.product.domain.values import CategoryId, ProductId


class ProductNotFound(NotFound):
    pass


class SkuTaken(RuleViolated):
    pass


class HandleTaken(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldVariant:
    """
    A variant that can be ordered.
    """

    sku: Sku
    title: str
    prices: PriceList


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFilter:
    """
    Which products to list; what is `None` does not matter.

    Attributes:
        category_id: In this category or one below it.
        updated_since: Changed at this moment or later.
    """

    state: ProductState | None = None
    category_id: CategoryId | None = None
    updated_since: datetime | None = None


class Products(Protocol):
    """
    Every product there is. To lock one is as with stock items; products are locked before
    categories.
    """

    async def get(self, product_id: ProductId) -> Product:
        """
        Raises:
            ProductNotFound: There is no such product.
        """
        ...

    async def find(self, ids: Collection[ProductId]) -> Mapping[ProductId, Product]:
        """
        Return those of the products *ids* that exist.
        """
        ...

    async def lock(self, product_id: ProductId) -> Product:
        """
        Return the product to be changed: nobody else can until this transaction ends.

        Raises:
            ProductNotFound: There is no such product.
        """
        ...

    async def lock_handles(self, handles: Collection[str]) -> Mapping[str, Product]:
        """
        Return those products that have one of *handles*, locked.
        """
        ...

    async def lock_skus(self, skus: Collection[Sku]) -> Sequence[Product]:
        """
        Return those products that have one of *skus*, locked.
        """
        ...

    async def lock_due(self, now: datetime, *, limit: int) -> Sequence[Product]:
        """
        Return up to *limit* products whose next price is due, locked; leave out what somebody
        else has locked.
        """
        ...

    async def unindexed(self, *, limit: int) -> Sequence[Product]:
        """
        Return up to *limit* products that are for sale and that no search finds, locked; leave out
        what somebody else has locked.
        """
        ...

    async def owners(self, skus: Collection[Sku]) -> Mapping[Sku, ProductId]:
        """
        Return which product has each of those *skus* that are taken.
        """
        ...

    async def page(
        self, wanted: ProductFilter, *, after: ProductId | None, limit: int
    ) -> Sequence[Product]:
        """
        Return up to *limit* of the *wanted* products with ids beyond *after*, in the order of
        their ids.
        """
        ...

    async def sold_variants(self, skus: Sequence[Sku]) -> Sequence[SoldVariant]:
        """
        Return those of *skus* that can be ordered.
        """
        ...

    async def save(self, product: Product) -> None:
        """
        Raises: as `save_many`.
        """
        ...

    async def save_many(self, products: Sequence[Product]) -> None:
        """
        Write those of *products* that have something to tell.

        Raises:
            SkuTaken: Another product has one of the SKUs.
            HandleTaken: Another product has one of the handles.
            Conflict: Now or at the end of the transaction: somebody else was faster.
        """
        ...
