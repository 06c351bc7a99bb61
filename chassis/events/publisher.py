"""
How a service's events get out, and stay out.

Jobs beside each other: the relay publishes what the outbox holds, listeners that miss events are
answered, the stream is filled again where it lost something, days of the record are opened and
forgotten. Any number of replicas may do so at once.
"""

import asyncio
import logging
from functools import partial

from chassis.backoff import backoff_seconds
from chassis.events.broker import Broker
from chassis.events.metrics import (
    REFUSED_BATCHES,
    REPLAYED,
    SAMPLE_SECONDS,
    STREAM_LOSSES,
    sample_outbox,
)
from chassis.events.record import KEPT_DAYS, day_of, forget_old_days, open_days
from chassis.events.relay import relay
from chassis.events.repair import CHECK_SECONDS, note_stream, repair_stream
from chassis.events.replay import answer_replay_requests
from chassis.kernel.clock import Clock, system_clock
from chassis.outages import is_outage
from chassis.repeat import repeat
from chassis.storage.database import Database
from chassis.wake import Wake

log = logging.getLogger(__name__)

KEEP_SECONDS = 600.0


class Publisher:
    """
    Publishes the events of one context.

    Args:
        context: Whose events: `order`, say.
        told: Rung when a transaction has left events behind.
        kept_days: For how long the record remembers what was published.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        *,
        context: str,
        told: Wake,
        kept_days: int = KEPT_DAYS,
        clock: Clock = system_clock,
    ) -> None:
        self._database = database
        self._broker = broker
        self._context = context
        self._told = told
        self._kept_days = kept_days
        self._clock = clock
        # From the start, so that an alert sees the first one.
        REFUSED_BATCHES.labels(context)
        STREAM_LOSSES.labels(context)
        for reason in ("lost", "missed"):
            REPLAYED.labels(context, reason)

    async def run(self) -> None:
        """
        Publish until cancelled.
        """
        database, broker, context, told = self._database, self._broker, self._context, self._told
        mend = partial(repair_stream, database, broker, context=context, told=told)
        sample = partial(sample_outbox, database, context)
        await self._get_ready()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay(database, broker, context=context, told=told))
            tasks.create_task(answer_replay_requests(database, broker, context=context, told=told))
            tasks.create_task(
                repeat(self._open_and_forget, name="record", every_seconds=KEEP_SECONDS)
            )
            tasks.create_task(repeat(mend, name="repair", every_seconds=CHECK_SECONDS))
            tasks.create_task(repeat(sample, name="metrics", every_seconds=SAMPLE_SECONDS))

    async def _get_ready(self) -> None:
        """
        See to it that there is a day to file events under, and know the stream they go to.
        """
        failures = 0
        while True:
            try:
                await self._open_and_forget()
                return await note_stream(self._database, self._broker, context=self._context)
            except Exception as error:
                if not is_outage(error):
                    raise
                failures += 1
                log.warning(
                    "events of %s: cannot begin: %s: %s", self._context, type(error).__name__, error
                )
                await asyncio.sleep(backoff_seconds(failures, most=2.0))

    async def _open_and_forget(self) -> None:
        """
        Make the tables of the next days, and drop those of old ones.
        """
        today = day_of(self._clock())
        async with self._database.begin() as tx:
            await open_days(tx, today)
        try:
            async with self._database.begin() as tx:
                forgotten = await forget_old_days(tx, today, kept_days=self._kept_days)
        except Exception as error:
            if not is_outage(error):
                raise
            # Somebody reads the record: it is no hurry.
            return
        if forgotten:
            log.info("record of %s: %s old days forgotten", self._context, forgotten)
