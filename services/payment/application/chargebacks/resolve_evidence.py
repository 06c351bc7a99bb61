"""Use case: evidence of which the PSP has not said that it has it is submitted again."""

import asyncio

from chassis.kernel.clock import Clock
from services.payment.application.chargebacks.ports import Disputes
from services.payment.application.chargebacks.submit_chargeback_evidence import (
    submit_what_is_open,
)
from services.payment.application.ports import UnitOfWork
from services.payment.domain.chargeback import Chargeback, EvidenceDeclined

AT_ONCE = 20


async def resolve_evidence(*, uow: UnitOfWork, disputes: Disputes, clock: Clock) -> int:
    """
    Submit again what nobody has submitted for a while, because the PSP was silent or the process
    died; return of how many chargebacks.

    Safe to run in any number of replicas: each claims its own, and the PSP knows the keys.
    """

    async def submit(chargeback: Chargeback) -> None:
        try:
            await submit_what_is_open(chargeback, uow=uow, disputes=disputes, clock=clock)
        except EvidenceDeclined:
            # Whoever asks again is told so.
            return

    async with uow() as tx:
        claimed = await tx.chargebacks.claim_unsubmitted(limit=AT_ONCE, now=clock())
    async with asyncio.TaskGroup() as tasks:
        for chargeback in claimed:
            tasks.create_task(submit(chargeback))
    return len(claimed)
