"""Use case: a scheduled price takes effect by itself."""

from chassis.kernel.clock import Clock
from services.product.application.ports.transaction import UnitOfWork

BATCH = 100


async def announce_prices(*, uow: UnitOfWork, clock: Clock, limit: int = BATCH) -> int:
    """
    Tell the prices that have changed by themselves, of up to *limit* products; return of how many.

    Safe to run at any time in any number of replicas: each takes what no other has locked, and
    what was told is no longer due.
    """
    now = clock()
    async with uow() as tx:
        due = await tx.products.lock_due(now, limit=limit)
        for product in due:
            product.tell_due_prices(now)
        await tx.products.save_many(due)
    return len(due)
