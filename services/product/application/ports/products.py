"""Every product there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chassis.kernel.errors import NotFound, RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.product import Product
from services.product.domain.values import ProductId


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

    async def of(self, product_ids: Sequence[ProductId]) -> Sequence[Product]:
        """
        Return those of *product_ids* that there are, in the order asked.
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
