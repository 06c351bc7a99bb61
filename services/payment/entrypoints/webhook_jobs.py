"""What is done about webhooks and chargebacks without anybody asking."""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock
from chassis.pace import Pace
from chassis.repeat import repeat
from chassis.wake import Wake
from services.payment.application.chargebacks.ports import Disputes
from services.payment.application.chargebacks.resolve_evidence import resolve_evidence
from services.payment.application.chargebacks.warn_of_evidence_due import warn_of_evidence_due
from services.payment.application.ports import UnitOfWork
from services.payment.application.webhooks.fetch_psp_events import fetch_psp_events
from services.payment.application.webhooks.forget_psp_events import forget_psp_events
from services.payment.application.webhooks.note_psp_facts import AT_ONCE, note_psp_facts
from services.payment.application.webhooks.ports import FactsOf, Outcome, PspEventFeed
from services.payment.application.webhooks.read_backlog import read_backlog
from services.payment.domain.values import PspAccount
from services.payment.entrypoints.metrics import (
    CHARGEBACKS_OPEN,
    EVIDENCE_DUE,
    FAILED,
    OLDEST,
    WAITING,
    WORKED_OFF,
)

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
# What comes meanwhile gathers into one batch.
GATHER_SECONDS = 0.1
FORGET_SECONDS = 600.0
# A webhook that comes at all has come by then, as a rule.
FETCH_SECONDS = 60.0
FETCH_AGAIN = timedelta(minutes=10)
FETCH_AT_START = timedelta(days=3)
SAMPLE_SECONDS = 5.0
WARN_SECONDS = 60.0


async def keep_noting(*, uow: UnitOfWork, facts_of: FactsOf, clock: Clock, received: Wake) -> None:
    """
    Work off what the PSP tells, until cancelled.

    Args:
        received: Rung when something came in, in this process.
    """
    failures, pace = 0, Pace(GATHER_SECONDS)
    while True:
        await pace.keep()
        try:
            worked_off = await note_psp_facts(uow=uow, facts_of=facts_of, clock=clock)
        except Exception as error:  # whatever it is, the events are safe in the database
            failures += 1
            log.warning("webhooks: %s: %s", type(error).__name__, str(error)[:300])
            await asyncio.sleep(backoff_seconds(failures, most=2.0))
            continue
        failures = 0
        for each in worked_off:
            WORKED_OFF.labels(each.event.type, each.outcome).inc()
            if each.outcome in (Outcome.WAITING, Outcome.FAILED):
                level = logging.WARNING if each.outcome is Outcome.FAILED else logging.INFO
                log.log(level, "webhook %s %s: %s", each.event.id, each.outcome, each.reason)
        if len(worked_off) < AT_ONCE:
            await received.wait(sweep_seconds=SWEEP_SECONDS)


async def keep_sampling(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    Show in the metrics what waits, until cancelled.
    """

    async def sample() -> None:
        backlog = await read_backlog(uow=uow, clock=clock)
        WAITING.set(backlog.waiting)
        OLDEST.set(backlog.oldest_seconds)
        FAILED.set(backlog.failed)
        CHARGEBACKS_OPEN.set(backlog.chargebacks_open)
        EVIDENCE_DUE.set(backlog.evidence_due)

    await repeat(sample, name="webhook metrics", every_seconds=SAMPLE_SECONDS)


async def keep_fetching(
    account: PspAccount,
    *,
    uow: UnitOfWork,
    feed: PspEventFeed,
    clock: Clock,
    received: Wake,
) -> None:
    """
    Fetch what webhooks of *account* have not brought, until cancelled.
    """
    since = clock() - FETCH_AT_START

    async def fetch() -> bool:
        nonlocal since
        now = clock()
        if missed := await fetch_psp_events(account, uow=uow, feed=feed, since=since):
            log.info("%s events of %s came by no webhook", missed, account)
            received.ring()
        # Some overlap, for clocks that differ and events that are listed late.
        since = now - FETCH_AGAIN
        return False

    await repeat(fetch, name=f"fetch events of {account}", every_seconds=FETCH_SECONDS)


async def keep_forgetting(*, uow: UnitOfWork, clock: Clock, kept_days: int) -> None:
    """
    Forget what the PSP told more than *kept_days* ago, until cancelled.
    """
    forget = partial(forget_psp_events, uow=uow, clock=clock, kept_days=kept_days)
    await repeat(forget, name="forget webhooks", every_seconds=FORGET_SECONDS, eager=True)


async def keep_submitting(*, uow: UnitOfWork, disputes: Disputes, clock: Clock) -> None:
    """
    Submit evidence again of which the PSP has not said that it has it, until cancelled.
    """
    resolve = partial(resolve_evidence, uow=uow, disputes=disputes, clock=clock)
    await repeat(resolve, name="resolve evidence", every_seconds=SWEEP_SECONDS, eager=True)


async def keep_warning(*, uow: UnitOfWork, clock: Clock) -> None:
    """
    Say in the log which evidence is due soon, until cancelled.
    """

    async def warn() -> bool:
        due = await warn_of_evidence_due(uow=uow, clock=clock)
        for chargeback in due:
            log.warning(
                "chargeback %s of %s: evidence is due %s",
                *(chargeback.id, chargeback.amount, chargeback.evidence_due_at),
            )
        return bool(due)

    await repeat(warn, name="evidence due", every_seconds=WARN_SECONDS, eager=True)
