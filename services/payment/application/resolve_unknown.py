"""Use case: what the PSP left unanswered is asked again."""

from chassis.kernel.clock import Clock
from services.payment.application.conversation import settle
from services.payment.application.ports import Psp, UnitOfWork


async def resolve_unknown(*, uow: UnitOfWork, psp: Psp, clock: Clock, limit: int = 200) -> int:
    """
    Settle up to *limit* payments with something that nobody has settled for a while, because the
    PSP was silent or the process died; return how many payments that was.

    Safe to run in any number of replicas: each claims its own, and the PSP knows the keys.
    """
    async with uow() as tx:
        payments = await tx.payments.claim_unsettled(limit=limit, now=clock())
    await settle(payments, uow=uow, psp=psp, clock=clock)
    return len(payments)
