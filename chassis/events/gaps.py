"""
A listener asks for what it misses.

An event that came without its elder waits a while: the elder may be in another replica's hands.
Then it is taken for lost. The aggregate is noted as missing an event, what comes of it is put
aside, and the publisher is asked for everything from the missing version on, again and again
until it comes. All other aggregates flow. If the publisher has forgotten the event, a dead letter
says so.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

from chassis.events.broker import Broker
from chassis.events.dead_letters import FORGOTTEN, bury
from chassis.events.delivery import Envelope
from chassis.events.inbox import due_asks, park
from chassis.events.replay import ask_for_replay
from chassis.storage.database import Database

log = logging.getLogger(__name__)

AT_ONCE = 500


async def ask_for_missing(
    database: Database, broker: Broker, *, consumer: str, context: str
) -> int:
    """
    Ask once for what is due to be asked for, and return of how many aggregates that is.
    """
    async with database.begin() as tx:
        tails = await due_asks(tx, consumer, limit=AT_ONCE)
    if not tails:
        return 0
    answer = await ask_for_replay(broker, context, consumer, tails)
    log.warning(
        "consumer %s: events of %s aggregates are missing, %s come again",
        consumer,
        len(tails),
        answer.events,
    )
    if answer.unknown:
        await _give_up(database, consumer, dict(tails), answer.unknown)
    return len(tails)


async def _give_up(
    database: Database, consumer: str, versions: Mapping[UUID, int], unknown: Sequence[UUID]
) -> None:
    """
    Make letters of events that nobody has any more: a person must decide whether their aggregates
    may go on without.
    """
    async with database.begin() as tx:
        for aggregate_id in unknown:
            envelope = Envelope(
                subject="",
                # The same one if this happens twice.
                event_id=uuid5(aggregate_id, str(versions[aggregate_id])),
                aggregate_id=aggregate_id,
                version=versions[aggregate_id],
                occurred_at=datetime.now(UTC),
                payload=b"",
                trace="",
            )
            await bury(tx, consumer, envelope, FORGOTTEN, attempts=1)
            await park(tx, consumer, aggregate_id)
    log.error("consumer %s: %s events are lost for good", consumer, len(unknown))
