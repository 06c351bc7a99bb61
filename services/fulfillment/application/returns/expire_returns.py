"""Use case: whoever a return waits for does not come, so it goes on without."""

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.returns.policy import ReturnPolicy

BATCH = 200


async def expire_returns(
    *, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy, limit: int = BATCH
) -> int:
    """
    Let up to *limit* overdue returns go on, and return how many did.

    Safe with any number of replicas: each takes what no other has locked.
    """
    now = clock()
    async with uow() as tx:
        overdue = await tx.returns.overdue(now, limit=limit)
        for some in overdue:
            some.expire(policy, now)
        await tx.returns.save(overdue)
    return len(overdue)
