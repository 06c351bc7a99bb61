"""Use case: holds that nobody confirmed in time end."""

from chassis.kernel.clock import Clock
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.stock import Stock

BATCH = 200


async def expire_reservations(*, uow: UnitOfWork, clock: Clock, limit: int = BATCH) -> int:
    """
    Expire up to *limit* overdue holds, and return how many there were.

    Safe to run at any time in any number of replicas: each takes what no other has locked, and
    what was confirmed or released meanwhile is no longer overdue.
    """
    now = clock()
    async with uow() as tx:
        overdue = await tx.reservations.lock_overdue(now, limit=limit)
        if not overdue:
            return 0
        places = {place for reservation in overdue.values() for place in reservation.places}
        stock = Stock(await tx.stock_items.lock(places))
        for reservation in overdue.values():
            reservation.expire_if_overdue(stock, now=now)
        await tx.reservations.save(list(overdue.values()))
        await tx.stock_items.save(stock.moved)
    return len(overdue)
