"""
How a service's events get out, and stay out.

Four jobs beside each other: the relay publishes what the outbox holds, a keeper makes and forgets
the days of the record, a repairer fills the stream where it lost something, and listeners that miss
events are answered. Any number of replicas may do so at once.
"""

import asyncio
import logging

from nats.aio.client import Client

from chassis.events.record import KEPT_DAYS, day_of, forget_old_days, open_days
from chassis.events.relay import relay
from chassis.events.repair import keep_stream_whole
from chassis.events.replay import answer_replay_requests
from chassis.kernel.clock import Clock, system_clock
from chassis.outages import is_outage
from chassis.storage.database import Database
from chassis.wake import Wake

log = logging.getLogger(__name__)

KEEP_SECONDS = 600.0
RETRY_SECONDS = 0.5


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
        broker: Client,
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

    async def run(self) -> None:
        """
        Publish until cancelled.
        """
        database, broker, context = self._database, self._broker, self._context
        # Nothing can be filed under a day that has no table.
        while not await self._keep_record():  # noqa: ASYNC110  (there is nothing to wait for)
            await asyncio.sleep(RETRY_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_keeping())
            tasks.create_task(relay(database, broker, context=context, told=self._told))
            tasks.create_task(keep_stream_whole(database, broker, context=context, told=self._told))
            tasks.create_task(
                answer_replay_requests(database, broker, context=context, told=self._told)
            )

    async def _keep_keeping(self) -> None:
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            await self._keep_record()

    async def _keep_record(self) -> bool:
        """
        Make the tables of the next days and drop those of old ones; return whether it was done.
        """
        today = day_of(self._clock())
        try:
            async with self._database.begin() as tx:
                await open_days(tx, today)
            # Apart, because a table that is being read cannot be dropped at once.
            async with self._database.begin() as tx:
                forgotten = await forget_old_days(tx, today, kept_days=self._kept_days)
        except Exception as error:  # the next round comes
            if not is_outage(error):
                log.exception("record of %s: cannot be kept", self._context)
            return False
        if forgotten:
            log.info("record of %s: %s old days forgotten", self._context, forgotten)
        return True
