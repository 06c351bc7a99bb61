"""
What people decided about dead letters is carried out here, by the listener whose letters they are.

One letter after the other, in the order of the aggregate's events and each in a transaction of its
own with the watermark, so that dying in between costs nothing: the rest is found again.
"""

import logging
from uuid import UUID

from chassis.events.dead_letters import (
    FORGOTTEN,
    Letter,
    aggregates_with_wishes,
    failure_of,
    note_failed_redrive,
    oldest_open,
    resolve,
)
from chassis.events.handlers import Handlers
from chassis.events.inbox import advance, put_aside, still_parked, unpark, watermarks
from chassis.outages import is_outage
from chassis.storage.database import Database, Transaction

log = logging.getLogger(__name__)

AT_ONCE = 100


class NothingToRedrive(Exception):
    """
    All that is left of an event is that there was one.
    """


async def redrive_some(database: Database, *, consumer: str, handlers: Handlers) -> int:
    """
    Do what was decided about up to 100 aggregates; return how many letters it was done about.
    """
    async with database.begin() as tx:
        aggregate_ids = await aggregates_with_wishes(tx, consumer, limit=AT_ONCE)
    done = 0
    failures: list[Exception] = []
    for aggregate_id in aggregate_ids:
        try:
            while await _redrive_oldest(database, consumer, aggregate_id, handlers):
                done += 1
        except Exception as error:  # one aggregate does not hold up the others
            failures.append(error)
    if failures:
        raise failures[0]
    return done


async def _redrive_oldest(
    database: Database, consumer: str, aggregate_id: UUID, handlers: Handlers
) -> bool:
    """
    Do what is to be done about the first open letter of an aggregate; return whether there may be
    more to do.
    """
    letter: Letter | None = None
    try:
        async with database.begin() as tx:
            # Holds the row: no event can join the letters while we look whether there are more.
            parked = await still_parked(tx, consumer, [aggregate_id])
            letter = await oldest_open(tx, consumer, aggregate_id)
            if letter is None:
                if parked:
                    await unpark(tx, consumer, aggregate_id)
                return False
            return await _settle(tx, consumer, letter, handlers)
    except Exception as error:
        if letter is None or is_outage(error):
            raise
        async with database.begin() as tx:
            await note_failed_redrive(tx, consumer, letter, failure_of(error))
        log.warning("consumer %s: redrive of %s failed: %r", consumer, letter.id, error)
        return False


async def _settle(tx: Transaction, consumer: str, letter: Letter, handlers: Handlers) -> bool:
    envelope = letter.envelope
    marks = await watermarks(tx, consumer, [envelope.aggregate_id])
    mark = marks[envelope.aggregate_id]
    if envelope.version < mark.next:
        await resolve(tx, letter, "redriven", note="it had taken effect before")
        return True
    if envelope.version > mark.next:
        # One in between never came: it is asked for, and those behind it come along again.
        await unpark(tx, consumer, envelope.aggregate_id)
        await put_aside(tx, consumer, {envelope.aggregate_id: (mark, envelope.version)})
        return False
    if letter.wish == "discard":
        await resolve(tx, letter, "discarded", note="passed over")
    elif letter.wish == "redrive" and not envelope.subject:
        raise NothingToRedrive(FORGOTTEN.error)
    elif letter.wish == "redrive" or letter.attempts == 0:
        await handlers.handle({envelope.aggregate_id: [envelope]}, tx)
        await resolve(tx, letter, "redriven", note="took effect")
    else:
        return False  # nobody has decided about this one
    await advance(tx, consumer, {envelope.aggregate_id: (mark, envelope.version)})
    return True
