"""Use case: somebody should know that evidence is due soon."""

from collections.abc import Sequence
from datetime import timedelta

from chassis.kernel.clock import Clock
from services.payment.application.ports import UnitOfWork
from services.payment.domain.chargeback import Chargeback

SOON = timedelta(days=3)
AT_ONCE = 100


async def warn_of_evidence_due(*, uow: UnitOfWork, clock: Clock) -> Sequence[Chargeback]:
    """
    Return chargebacks that await evidence, which is due within three days: each once, to one of
    the replicas. One that is lost on its way stays visible in the metrics.
    """
    async with uow() as tx:
        return await tx.chargebacks.claim_due(due_before=clock() + SOON, limit=AT_ONCE)
