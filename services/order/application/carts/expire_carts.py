"""Use case: time goes by, and carts are forgotten."""

from chassis.kernel.clock import Clock
from services.order.application.ports import UnitOfWork

BATCH = 200


async def expire_carts(*, uow: UnitOfWork, clock: Clock) -> bool:
    """
    End open carts whose time is over, and delete those whose time after their end is over; return
    whether there were any.

    Safe to repeat: what has ended or is gone is not due any more. Replicas take different ones.
    """
    now = clock()
    async with uow() as tx:
        overdue = await tx.carts.lock_overdue(now, limit=BATCH)
        for cart in overdue:
            cart.expire_if_overdue(now)
        await tx.carts.save(overdue)
        deleted = await tx.carts.delete_overdue(now, limit=BATCH)
    return bool(overdue or deleted)
