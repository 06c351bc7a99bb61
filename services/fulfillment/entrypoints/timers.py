"""What happens by the passing of time."""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.outages import is_outage
from chassis.repeat import repeat
from services.fulfillment.application.expire_offers import BATCH, expire_offers, next_expiry
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.expire_returns import expire_returns
from services.fulfillment.domain.returns.policy import ReturnPolicy

log = logging.getLogger(__name__)

# Short enough for an offer that is made meanwhile and expires soon.
MOST_SECONDS = 1.0

# What is overdue but locked is somebody's work: it will be seen to, or be free again.
LEAST_SECONDS = 0.05

# Returns wait for days.
RETURNS_SECONDS = 5.0


async def expire_overdue_returns(*, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy) -> None:
    """
    Let returns go on without whoever they wait for in vain, until cancelled. Any number of
    replicas may do it.
    """
    expire = partial(expire_returns, uow=uow, clock=clock, policy=policy)
    await repeat(expire, name="expire returns", every_seconds=RETURNS_SECONDS, eager=True)


async def expire_overdue_offers(*, uow: UnitOfWork, clock: Clock, answer_within: timedelta) -> None:
    """
    Let offers expire when they are due, until cancelled. Any number of replicas may do it.
    """
    failures = 0
    while True:
        try:
            expired = await expire_offers(uow=uow, clock=clock, answer_within=answer_within)
            due = await next_expiry(uow=uow)
        except Exception as error:
            failures += 1
            if is_outage(error):
                log.warning("offers do not expire: %s: %s", type(error).__name__, error)
            else:
                log.exception("offers do not expire")
            await asyncio.sleep(backoff_seconds(failures, most=5.0))
            continue
        failures = 0
        if expired < BATCH:
            rest = (due - clock()).total_seconds() if due else MOST_SECONDS
            await asyncio.sleep(min(max(rest, LEAST_SECONDS), MOST_SECONDS))
