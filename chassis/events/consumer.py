"""
How a service reacts to events: one durable consumer a context, one table of handlers.

What is fetched together is handled together, in one transaction that holds the inbox and the
handlers' changes; then it is acknowledged. A crash before the acknowledgement repeats the
delivery, which the inbox recognizes. If a batch fails, its events are tried one by one, so that
one bad event harms its own aggregate only.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from uuid import UUID

from chassis.backoff import backoff_seconds
from chassis.events.broker import Broker
from chassis.events.dead_letters import BEHIND, bury, failure_of, forget_resolved
from chassis.events.delivery import Delivery, Sorted, read_deliveries, sort_deliveries
from chassis.events.gaps import ask_for_missing
from chassis.events.handlers import Handlers, Subscription
from chassis.events.inbox import (
    Watermark,
    advance,
    count_attempt,
    park,
    put_aside,
    still_parked,
    watermarks,
)
from chassis.events.metrics import (
    CONSUMER_LAG,
    DELIVERED,
    FAILED_ATTEMPTS,
    SAMPLE_SECONDS,
    SKIPPED,
    sample_consumer,
    seconds_since,
)
from chassis.events.pull import Pull, acknowledge, pulling
from chassis.events.redrive import redrive_some
from chassis.events.streams import durable_of, stream_of
from chassis.kernel.errors import Conflict
from chassis.outages import is_outage
from chassis.pace import Pace
from chassis.repeat import repeat
from chassis.storage.database import Database, Transaction

log = logging.getLogger(__name__)

BATCH = 500
FETCH_SECONDS = 1.0
STEADY_SECONDS = 30.0
# Small batches begin no more often than this.
GATHER_SECONDS = 0.03
MOST_ATTEMPTS = 8
SWEEP_SECONDS = 1.0
FORGET_SECONDS = 3600.0

# An early event is kept for a while: its elder may be with another replica and about to be done.
# Were it sent back at once, each delivery would shuffle the events of a busy aggregate among the
# replicas anew, and few would ever meet their elders (measured: five events a second).
HOLD_SECONDS = 2.0
HELD_FETCH_SECONDS = 0.05

# Then it is sent back, for so long. After so many deliveries its elder would have been delivered
# again even if it was in the hands of someone who died.
EARLY_SECONDS = 0.5
LOST_AFTER = 4
# Or even if it had failed again and again, up to its last attempt.
LOST_AFTER_FAILING = 16

# An outage that goes on while others succeed is none: after so many batches that were stopped by
# one, their events are tried one by one, until so many in a row are stopped, too.
OUTAGES_BEFORE_DOUBT = 4
ENOUGH_STOPPED = 2


class Consumer:
    """
    One listener's ear for the events of one context.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        *,
        listener: str,
        context: str,
        subscriptions: Sequence[Subscription],
        gather_seconds: float = GATHER_SECONDS,
    ) -> None:
        """
        Args:
            gather_seconds: Small batches begin no more often than this: what is not urgent costs
                less in larger ones.
        """
        self._pace = Pace(gather_seconds)
        self._database = database
        self._broker = broker
        self._context = context
        self._name = durable_of(listener, context)
        self._stream = stream_of(context)
        self._handlers = Handlers(subscriptions)
        self._held: list[Delivery] = []
        self._outages = 0
        # From the start, so that an alert sees the first one.
        FAILED_ATTEMPTS.labels(self._name)

    async def run(self) -> None:
        """
        Handle events, ask for those that are missing, and redrive dead letters, until cancelled.
        """
        database, broker, name = self._database, self._broker, self._name
        ask = partial(ask_for_missing, database, broker, consumer=name, context=self._context)
        redrive = partial(redrive_some, database, consumer=name, handlers=self._handlers)
        sample = partial(sample_consumer, database, broker, consumer=name, stream=self._stream)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_listening())
            tasks.create_task(repeat(ask, name="gaps", every_seconds=SWEEP_SECONDS))
            tasks.create_task(
                repeat(redrive, name="redrive", every_seconds=SWEEP_SECONDS, eager=True)
            )
            tasks.create_task(repeat(sample, name="metrics", every_seconds=SAMPLE_SECONDS))
            tasks.create_task(
                repeat(self._forget_resolved, name="dead letters", every_seconds=FORGET_SECONDS)
            )

    async def _forget_resolved(self) -> None:
        async with self._database.begin() as tx:
            await forget_resolved(tx)

    async def _keep_listening(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._listen()
            except Exception as error:  # the events are safe in the stream
                failures = failures + 1 if time.monotonic() - began < STEADY_SECONDS else 1
                log.warning(
                    "consumer %s of %s: %s: %s",
                    self._name,
                    self._stream,
                    type(error).__name__,
                    error,
                )
                await asyncio.sleep(backoff_seconds(min(failures, 5), most=2.0))

    async def _listen(self) -> None:
        try:
            async with pulling(self._broker, stream=self._stream, durable=self._name) as inbox:
                await self._listen_to(inbox)
        finally:
            # What is held comes again by itself.
            self._held = []

    async def _listen_to(self, inbox: Pull) -> None:
        while True:
            patience = HELD_FETCH_SECONDS if self._held else FETCH_SECONDS
            messages = await inbox.fetch(BATCH, seconds=patience)
            if not messages and not self._held:
                # Silence, or a consumer that is gone, which looks the same.
                await self._broker.jetstream().consumer_info(self._stream, self._name)
                continue
            deliveries = await read_deliveries(messages)
            DELIVERED.labels(self._name, "foreign").inc(len(messages) - len(deliveries))
            held, self._held = self._held, []
            await self.handle([*held, *deliveries])
            if len(messages) < BATCH:
                await self._pace.keep()

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """
        Bring about what *deliveries* say, each at most once, and settle them with JetStream.
        """
        failure = await self._try(deliveries)
        if failure is None:
            self._outages = 0
        elif _is_away(failure) and (len(deliveries) == 1 or self._outages < OUTAGES_BEFORE_DOUBT):
            self._outages += 1
            await self._put_off(deliveries, failure)
        elif len(deliveries) == 1:
            await self._fail(deliveries[0], failure)
        else:
            await self._try_one_by_one(deliveries)

    async def _try_one_by_one(self, deliveries: Sequence[Delivery]) -> None:
        """
        Tell the events that cannot take effect from those that can. What is away for one of them
        only, again and again, is a fault of that one.
        """
        stopped: list[tuple[Delivery, Exception]] = []
        succeeded = False
        for number, delivery in enumerate(deliveries):
            failure = await self._try([delivery])
            if failure is None:
                succeeded = True
            elif not _is_away(failure):
                await self._fail(delivery, failure)
            else:
                stopped.append((delivery, failure))
            if len(stopped) >= ENOUGH_STOPPED and not succeeded:
                rest = [*(each for each, _ in stopped), *deliveries[number + 1 :]]
                return await self._put_off(rest, stopped[0][1])
        self._outages = 0
        for delivery, failure in stopped:
            await self._fail(delivery, failure)
        return None

    async def _try(self, deliveries: Sequence[Delivery]) -> Exception | None:
        try:
            await self._apply(deliveries)
        except Exception as error:  # sorted out by the caller
            return error
        return None

    async def _apply(self, deliveries: Sequence[Delivery]) -> None:
        aggregate_ids = list({delivery.envelope.aggregate_id for delivery in deliveries})
        async with self._database.begin() as tx:
            marks = await watermarks(tx, self._name, aggregate_ids)
            found = sort_deliveries(deliveries, marks)
            due = {id_: [d.envelope for d in events] for id_, events in found.due.items()}
            skipped = await self._handlers.handle(due, tx)
            moves = {
                id_: (marks.get(id_, Watermark()), events[-1].version)
                for id_, events in due.items()
            }
            await advance(tx, self._name, moves)
            hold_from = time.monotonic() - HOLD_SECONDS
            too_long = [delivery for delivery in found.early if delivery.since < hold_from]
            aside = await self._put_aside(tx, too_long, marks)
            parked = await self._bury_behind(tx, found.behind)
        await acknowledge(
            self._broker, (each.message for each in chain(*found.due.values(), found.done))
        )
        for delivery in found.behind:
            await self._finish(delivery, "behind", delivery.envelope.aggregate_id in parked)
        for delivery in too_long:
            envelope = delivery.envelope
            await self._finish(delivery, "aside", envelope.version <= aside[envelope.aggregate_id])
        self._held += [delivery for delivery in found.early if delivery.since >= hold_from]
        self._count(found, skipped)

    async def _put_aside(
        self, tx: Transaction, deliveries: Sequence[Delivery], marks: Mapping[UUID, Watermark]
    ) -> Mapping[UUID, int]:
        """
        Put early events aside whose elder seems lost; return up to which version that was done, by
        aggregate.
        """
        early: dict[UUID, tuple[Watermark, int]] = {}
        for delivery in deliveries:  # in the order of their versions
            envelope = delivery.envelope
            mark = marks.get(envelope.aggregate_id, Watermark())
            enough = LOST_AFTER_FAILING if mark.attempts else LOST_AFTER
            if mark.missing or delivery.message.metadata.num_delivered >= enough:
                early[envelope.aggregate_id] = (mark, envelope.version)
        done = await put_aside(tx, self._name, early) if early else set()
        return defaultdict(int, {id_: early[id_][1] for id_ in done})

    async def _bury_behind(
        self, tx: Transaction, deliveries: Sequence[Delivery]
    ) -> Collection[UUID]:
        """
        Make events behind a dead letter letters, too, and return their aggregates.
        """
        if not deliveries:
            return ()
        aggregate_ids = {delivery.envelope.aggregate_id for delivery in deliveries}
        # Meanwhile somebody may have cleared the way for them.
        parked = await still_parked(tx, self._name, list(aggregate_ids))
        for delivery in deliveries:
            if delivery.envelope.aggregate_id in parked:
                await bury(tx, self._name, delivery.envelope, BEHIND, attempts=0)
        return parked

    async def _put_off(self, deliveries: Sequence[Delivery], error: Exception) -> None:
        # The events are fine, we are not: that is no attempt.
        log.warning("consumer %s: %s: %s", self._name, type(error).__name__, error)
        for delivery in deliveries:
            await delivery.message.nak(delay=backoff_seconds(2))
        await asyncio.sleep(backoff_seconds(1, first=0.5))

    async def _fail(self, delivery: Delivery, error: Exception) -> None:
        envelope = delivery.envelope
        if isinstance(error, Conflict):
            # Somebody else is at the same thing: it will have changed by the next delivery.
            await delivery.message.nak(delay=backoff_seconds(1))
            return
        FAILED_ATTEMPTS.labels(self._name).inc()
        try:
            async with self._database.begin() as tx:
                attempts = await count_attempt(
                    tx, self._name, envelope.aggregate_id, envelope.version
                )
                if attempts >= MOST_ATTEMPTS:
                    await bury(tx, self._name, envelope, failure_of(error), attempts=attempts)
                    await park(tx, self._name, envelope.aggregate_id)
        except Exception as outage:
            log.warning("consumer %s: cannot count: %s", self._name, type(outage).__name__)
            return
        if not attempts:
            # Another replica has made it happen meanwhile.
            await delivery.message.nak(delay=backoff_seconds(1))
        elif attempts >= MOST_ATTEMPTS:
            log.error("consumer %s: dead letter %s", self._name, envelope.event_id, exc_info=error)
            await delivery.message.term()
        else:
            log.warning(
                "consumer %s: attempt %s at %s failed: %r",
                self._name,
                attempts,
                envelope.event_id,
                error,
            )
            await delivery.message.nak(delay=backoff_seconds(attempts))

    async def _finish(self, delivery: Delivery, outcome: str, kept: bool) -> None:
        """
        Settle an event that cannot take effect now: for good if it is *kept* otherwise.
        """
        if kept:
            await delivery.message.term()
        else:
            await delivery.message.nak(delay=EARLY_SECONDS)
        DELIVERED.labels(self._name, outcome if kept else "early").inc()

    def _count(self, found: Sorted, skipped: int) -> None:
        lag = CONSUMER_LAG.labels(self._name)
        for envelopes in found.due.values():
            for delivery in envelopes:
                lag.observe(seconds_since(delivery.envelope.occurred_at))
        applied = sum(map(len, found.due.values()))
        DELIVERED.labels(self._name, "applied").inc(applied)
        DELIVERED.labels(self._name, "repeated").inc(len(found.done))
        SKIPPED.labels(self._name).inc(skipped)


def _is_away(error: Exception) -> bool:
    """
    Return whether *error* says that something is away, rather than that we met somebody else.
    """
    return is_outage(error) and not isinstance(error, Conflict)
