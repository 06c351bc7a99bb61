"""
Use case: what the PSP told is noted.

In one transaction for up to two hundred events: they are claimed, read as facts, and applied to
their payments, which are locked and settled as by an answer to a call of our own; then payments,
chargebacks, books and events are written together. A crash at any line leaves all of it undone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from services.payment.application.ports import Transaction, UnitOfWork
from services.payment.application.webhooks.noting import Noting
from services.payment.application.webhooks.ports import (
    FactsOf,
    Outcome,
    PspEvent,
    PspEventKey,
    WorkedOff,
)
from services.payment.domain.facts import PspFact
from services.payment.domain.payment import NotExplained

AT_ONCE = 200

# What one event needs may come with the next one: soon. Or with a person's help: some time today.
FIRST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)
GIVEN_UP_AFTER = timedelta(days=1)


async def note_psp_facts(
    *, uow: UnitOfWork, facts_of: FactsOf, clock: Clock, limit: int = AT_ONCE
) -> Sequence[WorkedOff]:
    """
    Work off up to *limit* events that are to be looked at; return what became of them.

    Safe to repeat, and in any number of replicas: a fact that is known already changes nothing.
    A batch that fails is worked off one by one: a bad event does not hold up the others.
    """
    claimed: list[PspEvent] = []
    try:
        async with uow() as tx:
            claimed += await tx.psp_events.claim(limit=limit, now=clock())
            return await _note(claimed, tx, facts_of=facts_of, now=clock())
    except Exception:
        if not claimed:
            raise
    alone = [await _note_alone(event.key, uow, facts_of=facts_of, clock=clock) for event in claimed]
    return [worked_off for each in alone for worked_off in each]


async def _note_alone(
    key: PspEventKey, uow: UnitOfWork, *, facts_of: FactsOf, clock: Clock
) -> Sequence[WorkedOff]:
    """
    Work off the event of *key*, unless somebody else does; or write down why that fails.
    """
    try:
        async with uow() as tx:
            claimed = await tx.psp_events.claim(limit=1, now=clock(), only=key)
            return await _note(claimed, tx, facts_of=facts_of, now=clock())
    except Exception as error:
        failure = _in_a_line(error)
    async with uow() as tx:
        claimed = await tx.psp_events.claim(limit=1, now=clock(), only=key)
        worked_off = [_put_off(event, failure, now=clock()) for event in claimed]
        await tx.psp_events.file(worked_off)
    return worked_off


@dataclass(frozen=True, slots=True)
class _Read:
    event: PspEvent
    facts: Sequence[PspFact] = ()
    failure: str = ""


async def _note(
    events: Sequence[PspEvent], tx: Transaction, *, facts_of: FactsOf, now: datetime
) -> Sequence[WorkedOff]:
    if not events:
        return []
    read = [_read(event, facts_of) for event in events]
    noting = await Noting.begin([fact for each in read for fact in each.facts], tx)
    worked_off = [_work_off(each, noting, now=now) for each in read]
    await tx.psp_events.file(worked_off)
    await noting.save(tx)
    return worked_off


def _read(event: PspEvent, facts_of: FactsOf) -> _Read:
    try:
        return _Read(event, facts_of(event.payload))
    except Exception as error:
        return _Read(event, failure=_in_a_line(error))


def _work_off(read: _Read, noting: Noting, *, now: datetime) -> WorkedOff:
    event = read.event
    if read.failure:
        return _put_off(event, read.failure, now=now)
    outcomes: set[Outcome] = set()
    try:
        for fact in read.facts:
            outcomes.add(noting.note(fact, event.account, now=now))
    except NotExplained as unclear:
        # What was noted of it before that stays: noted again it changes nothing.
        return _put_off(event, str(unclear), now=now)
    for outcome in (Outcome.NOTED, Outcome.FOREIGN):
        if outcome in outcomes:
            return WorkedOff(event=event, outcome=outcome, due_at=now)
    return WorkedOff(event=event, outcome=Outcome.IGNORED, due_at=now)


def _put_off(event: PspEvent, reason: str, *, now: datetime) -> WorkedOff:
    if now >= event.received_at + GIVEN_UP_AFTER:
        return WorkedOff(event=event, outcome=Outcome.FAILED, due_at=now, reason=reason)
    pause = min(FIRST_PAUSE * 2 ** min(event.attempts, 20), LONGEST_PAUSE)
    return WorkedOff(event=event, outcome=Outcome.WAITING, due_at=now + pause, reason=reason)


def _in_a_line(error: Exception) -> str:
    # The first line only: a database goes on with the row that it refused.
    words = str(error).partition("\n")[0].replace("\0", "\\0")[:500]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
