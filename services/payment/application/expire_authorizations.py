"""Use case: what was set aside and has expired is closed."""

from chassis.kernel.clock import Clock
from services.payment.application.conversation import settle
from services.payment.application.ports import Psp, UnitOfWork


async def expire_authorizations(
    *, uow: UnitOfWork, psp: Psp, clock: Clock, limit: int = 200
) -> int:
    """
    Close up to *limit* payments whose authorization has expired with something left, and have the
    PSP give back what it may still hold; return how many payments that was.

    Safe to repeat, and in any number of replicas: who comes second finds them closed. A PSP that
    does not answer is asked again by `resolve_unknown`.
    """
    now = clock()
    async with uow() as tx:
        payments = await tx.payments.open(await tx.payments.expired(limit=limit, now=now))
        for payment in payments.values():
            # Under the lock: it may have been closed since, or taken whole.
            if payment.expires_at and payment.expires_at <= now:
                payment.expire(now=now)
        await tx.payments.save(payments.values())
    await settle(payments.values(), uow=uow, psp=psp, clock=clock)
    return len(payments)
