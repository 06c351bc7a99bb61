"""Use case: what the PSP told long ago is forgotten."""

from datetime import timedelta

from chassis.kernel.clock import Clock
from services.payment.application.ports import UnitOfWork

AT_ONCE = 1_000


async def forget_psp_events(*, uow: UnitOfWork, clock: Clock, kept_days: int) -> bool:
    """
    Forget up to a thousand events that were received more than *kept_days* ago and are done;
    return whether there may be more.

    An event that comes again after that is worked off again, which changes nothing.
    """
    async with uow() as tx:
        before = clock() - timedelta(days=kept_days)
        return await tx.psp_events.forget(before=before, limit=AT_ONCE) == AT_ONCE
