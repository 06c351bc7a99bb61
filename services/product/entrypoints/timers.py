"""What happens because time has passed."""

import asyncio
import logging

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.outages import is_outage
from services.product.application.expire_reservations import expire_reservations
from services.product.application.ports import UnitOfWork

log = logging.getLogger(__name__)

# A hold ends on time anyway: whoever confirms it late expires it. The timer only brings back
# the goods of those that nobody asks about.
SWEEP_SECONDS = 1.0


async def expire_overdue_holds(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    Expire holds that are overdue, until cancelled.
    """
    failures = 0
    while True:
        try:
            expired = await expire_reservations(uow=uow, clock=clock)
        except Exception as error:
            failures += 1
            if is_outage(error):
                log.warning("cannot expire holds: %s: %s", type(error).__name__, error)
            else:
                log.exception("cannot expire holds")
            await asyncio.sleep(backoff_seconds(failures, most=2.0))
            continue
        failures = 0
        if not expired:
            await asyncio.sleep(SWEEP_SECONDS)
