"""Use case: products that are for sale, and were before there was a search, are found."""

from chassis.kernel.clock import Clock
from services.product.application.ports.search import entry_of
from services.product.application.ports.transaction import UnitOfWork

BATCH = 200


async def index_products(*, uow: UnitOfWork, clock: Clock, limit: int = BATCH) -> int:
    """
    Put up to *limit* products into the search index that are missing there; return how many.

    Safe to run at any time in any number of replicas: each takes what no other has locked, and
    what a save has put in meanwhile is no longer missing.
    """
    async with uow() as tx:
        missing = await tx.products.unindexed(limit=limit)
        now = clock()
        tx.search.put([entry_of(product, now) for product in missing])
    return len(missing)
