"""Use case: a customer looks for something."""

from collections.abc import Sequence

from services.product.application.ports.search import Found, SearchQuery
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.product import Product, ProductState


async def search_products(
    query: SearchQuery, *, uow: UnitOfWork
) -> tuple[Found, Sequence[Product]]:
    """
    Return what was found, and the products on its page, best first.
    """
    async with uow() as tx:
        found = await tx.search.find(query)
        known = await tx.products.find(found.product_ids) if found.product_ids else {}
    in_order = [known[id_] for id_ in found.product_ids if id_ in known]
    # One that was taken out of sale between the two reads is no longer to be shown.
    return found, [product for product in in_order if product.state is ProductState.ACTIVE]
