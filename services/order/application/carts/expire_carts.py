"""Use case: time goes by, and carts are forgotten."""

from chassis.kernel.clock import Clock
from services.order.application.ports import UnitOfWork
from services.order.domain.cart import CartState

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
        ended = [cart for cart in overdue if cart.state is not CartState.OPEN]
        await tx.carts.delete(ended)
        expired = [cart for cart in overdue if cart.state is CartState.OPEN]
        for cart in expired:
            cart.expire_if_overdue(now)
        await tx.carts.save(expired)
    return bool(overdue)
