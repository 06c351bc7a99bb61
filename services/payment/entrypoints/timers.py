"""What the payment service does without being asked."""

import asyncio
import logging

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.outages import is_outage
from services.payment.application.ports import Psp, UnitOfWork
from services.payment.application.resolve_unknown import resolve_unknown

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0


async def keep_resolving(*, uow: UnitOfWork, psp: Psp, clock: Clock) -> None:
    """
    Ask the PSP again about what it left unanswered, until cancelled.
    """
    failures = 0
    while True:
        try:
            resolved = await resolve_unknown(uow=uow, psp=psp, clock=clock)
        except Exception as error:
            failures += 1
            if is_outage(error):
                log.warning("payment: cannot resolve (%s)", type(error).__name__)
            else:
                # What was claimed is put off, further each time: the rest goes on meanwhile.
                log.exception("payment: a batch cannot be resolved")
            await asyncio.sleep(backoff_seconds(failures, most=2.0))
            continue
        failures = 0
        if not resolved:
            await asyncio.sleep(SWEEP_SECONDS)
