"""What happens by the passing of time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.outages import is_outage
from chassis.repeat import repeat
from services.fulfillment.application import expire_cancellations as cancellations
from services.fulfillment.application import expire_offers as offers
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.expire_returns import expire_returns
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights
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


async def expire_overdue_offers(
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
) -> None:
    """
    Let offers expire when they are due, until cancelled. Any number of replicas may do it.
    """
    await keep_up(
        "offers do not expire",
        partial(
            offers.expire_offers,
            uow=uow,
            clock=clock,
            answer_within=answer_within,
            weights=weights,
        ),
        partial(offers.next_expiry, uow=uow),
        clock=clock,
        batch=offers.BATCH,
    )


async def expire_unanswered_cancellations(
    *, uow: UnitOfWork, clock: Clock, answer_within: timedelta
) -> None:
    """
    Take silence for a yes when cancellations are due, until cancelled. Any number of replicas may
    do it.
    """
    await keep_up(
        "cancellations do not expire",
        partial(
            cancellations.expire_cancellations, uow=uow, clock=clock, answer_within=answer_within
        ),
        partial(cancellations.next_cancellation_deadline, uow=uow),
        clock=clock,
        batch=cancellations.BATCH,
    )


async def keep_up(
    complaint: str,
    expire: Callable[[], Awaitable[int]],
    next_due: Callable[[], Awaitable[datetime | None]],
    *,
    clock: Clock,
    batch: int,
) -> None:
    """
    Call *expire* whenever something is due, until cancelled; it returns how much it saw to.

    Args:
        complaint: What is wrong while it fails.
        batch: How much it sees to at most; after so much there may be more.
    """
    failures = 0
    while True:
        try:
            expired, due = await expire(), await next_due()
        except Exception as error:
            failures += 1
            if is_outage(error):
                log.warning("%s: %s: %s", complaint, type(error).__name__, error)
            else:
                log.exception(complaint)
            await asyncio.sleep(backoff_seconds(failures, most=5.0))
            continue
        failures = 0
        if expired < batch:
            rest = (due - clock()).total_seconds() if due else MOST_SECONDS
            await asyncio.sleep(min(max(rest, LEAST_SECONDS), MOST_SECONDS))
