"""
A listener asks for what it misses.

An event that came without its elder waits a while: the elder may be in another replica's hands.
Then it is taken for lost. The aggregate is noted as missing an event, what comes of it is put
aside, and the publisher is asked for everything from the missing version on, again and again
until it comes. All other aggregates flow.
"""

import logging

from nats.aio.client import Client

from chassis.events.inbox import due_asks
from chassis.events.replay import ask_for_replay
from chassis.storage.database import Database

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
AT_ONCE = 500


async def ask_for_missing(
    database: Database, broker: Client, *, consumer: str, context: str
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
    for aggregate_id in answer.unknown:
        log.error(
            "consumer %s: %s misses an event that %s no longer knows",
            consumer,
            aggregate_id,
            context,
        )
    return len(tails)
