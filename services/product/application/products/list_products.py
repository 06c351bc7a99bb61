"""Use case: page through products."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.product.application.ports.products import ProductFilter
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.product import Product
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProducts:
    """
    Attributes:
        after: The last product of the page before; `None` for the first page.
    """

    after: ProductId | None
    page_size: int
    wanted: ProductFilter = field(default_factory=ProductFilter)


async def list_products(
    query: ListProducts, *, uow: UnitOfWork
) -> tuple[Sequence[Product], ProductId | None]:
    """
    Return a page of products by id, oldest first, and where the next page begins, if there is one.
    """
    async with uow() as tx:
        # One more than the page shows whether there is a next one.
        products = await tx.products.page(
            query.wanted, after=query.after, limit=query.page_size + 1
        )
    page = products[: query.page_size]
    return page, page[-1].id if len(products) > len(page) else None
