"""
How a service reacts to events: one durable consumer a context, one table of handlers.

What is fetched together is handled together, in one transaction that holds the inbox and the
handlers' changes; then it is acknowledged. A crash before the acknowledgement repeats the
delivery, which the inbox recognizes. If a batch fails, its events are tried one by one, so that
one bad event harms its own aggregate only.
"""

import asyncio
import logging
import traceback
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from opentelemetry.trace import SpanKind

from chassis.backoff import backoff_seconds
from chassis.events.inbox import (
    Envelope,
    Watermark,
    advance,
    bury,
    count_attempt,
    watermarks,
)
from chassis.events.streams import durable_of, stream_of
from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict
from chassis.outages import is_outage
from chassis.storage.database import Database, Transaction
from chassis.telemetry.tracing import item_spans

log = logging.getLogger(__name__)

BATCH = 500
FETCH_SECONDS = 1.0
# After a batch, a moment for more to come: see the relay.
LINGER_SECONDS = 0.02
MOST_ATTEMPTS = 8
# So many deliveries of an early event, half a second apart, look as if its elder were lost.
LOST_AFTER = 60


@dataclass(frozen=True, slots=True)
class Subscription:
    """
    When events of this type arrive, call this handler with them, inside the transaction that
    also moves the inbox. The handler may see two events that concern one thing of its own.
    """

    message: type[Message]
    handler: Callable[[Sequence[Any], Transaction], Awaitable[None]]

    @property
    def subject(self) -> str:
        return self.message.DESCRIPTOR.full_name


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    A message and what its headers say.
    """

    message: Msg
    envelope: Envelope


class Consumer:
    """
    One listener's ear for the events of one context.
    """

    def __init__(
        self,
        database: Database,
        broker: Client,
        *,
        listener: str,
        context: str,
        subscriptions: Sequence[Subscription],
        clock: Clock,
    ) -> None:
        self._database = database
        self._broker = broker
        self._name = durable_of(listener, context)
        self._stream = stream_of(context)
        self._subscriptions = {s.subject: s for s in subscriptions}
        self._clock = clock

    async def run(self) -> None:
        """
        Handle events until cancelled.
        """
        failures = 0
        while True:
            try:
                await self._listen()
            except Exception as error:  # the events are safe in the stream
                failures += 1
                log.warning("consumer %s: %s: %s", self._name, type(error).__name__, error)
                await asyncio.sleep(backoff_seconds(min(failures, 5), most=2.0))

    async def _listen(self) -> None:
        jetstream = self._broker.jetstream()
        inbox = await jetstream.pull_subscribe_bind(durable=self._name, stream=self._stream)
        try:
            while True:
                try:
                    messages = await inbox.fetch(BATCH, timeout=FETCH_SECONDS)
                except TimeoutError:
                    # Silence, or a consumer that is gone, which looks the same.
                    await inbox.consumer_info()
                    continue
                await self.handle(await _read(messages))
                if len(messages) < BATCH:
                    await asyncio.sleep(LINGER_SECONDS)
        finally:
            # Whatever this says must not stand in for the reason why we are here.
            with suppress(NatsError):
                await inbox.unsubscribe()

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """
        Bring about what *deliveries* say, each at most once, and settle them with JetStream.
        """
        try:
            await self._apply(deliveries)
        except Exception as error:  # sorted out below: one by one, or counted
            if is_outage(error) and not isinstance(error, Conflict):
                await self._put_off(deliveries, error)
            elif len(deliveries) == 1:
                await self._fail(deliveries[0], error)
            else:
                for delivery in deliveries:
                    await self.handle([delivery])

    async def _apply(self, deliveries: Sequence[Delivery]) -> None:
        traces = {d.envelope.aggregate_id: d.envelope.trace for d in deliveries}
        async with self._database.begin() as tx:
            marks = await watermarks(tx, self._name, list(traces))
            due, done, early, behind = _sort(deliveries, marks)
            with item_spans(_span_names(deliveries), traces, kind=SpanKind.CONSUMER):
                for together in _rounds(due):
                    await self._call_handlers(together, tx)
            moves = {
                id_: (marks.get(id_, Watermark()), events[-1].envelope.version)
                for id_, events in due.items()
            }
            await advance(tx, self._name, moves)
            for delivery in behind:
                await bury(
                    tx,
                    self._name,
                    delivery.envelope,
                    error="waits behind an earlier dead letter of its aggregate",
                    stack="",
                    attempts=0,
                    now=self._clock(),
                )
        for delivery in (d for events in due.values() for d in events):
            await delivery.message.ack()
        for delivery in done:
            await delivery.message.ack()
        for delivery in behind:
            await delivery.message.term()
        for delivery in early:
            # Its elder is with another replica, or is being tried again; or it is lost.
            if delivery.message.metadata.num_delivered % LOST_AFTER == 0:
                envelope = delivery.envelope
                log.error(
                    "consumer %s: %s has waited long for the events before version %s",
                    self._name,
                    envelope.aggregate_id,
                    envelope.version,
                )
            await delivery.message.nak(delay=0.5)

    async def _call_handlers(self, together: Sequence[Delivery], tx: Transaction) -> None:
        by_subject: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in together:
            by_subject[delivery.envelope.subject].append(delivery)
        for subject, some in by_subject.items():
            subscription = self._subscriptions.get(subject)
            if subscription is None:
                continue  # not our concern; the watermark moves over it
            events = [subscription.message.FromString(d.envelope.payload) for d in some]
            await subscription.handler(events, tx)

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
        try:
            async with self._database.begin() as tx:
                attempts = await count_attempt(tx, self._name, envelope)
                if attempts >= MOST_ATTEMPTS:
                    await bury(
                        tx,
                        self._name,
                        envelope,
                        error=f"{type(error).__name__}: {error}",
                        stack="".join(traceback.format_exception(error)),
                        attempts=attempts,
                        now=self._clock(),
                    )
        except Exception as outage:
            log.warning("consumer %s: cannot count: %s", self._name, type(outage).__name__)
            return
        if attempts >= MOST_ATTEMPTS:
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


def _sort(
    deliveries: Sequence[Delivery], marks: Mapping[UUID, Watermark]
) -> tuple[dict[UUID, list[Delivery]], list[Delivery], list[Delivery], list[Delivery]]:
    """
    Tell which deliveries are due (by aggregate, in order), done before, early, or behind a dead
    letter.
    """
    due: dict[UUID, list[Delivery]] = {}
    done: list[Delivery] = []
    early: list[Delivery] = []
    behind: list[Delivery] = []
    for delivery in sorted(deliveries, key=lambda d: d.envelope.version):
        envelope = delivery.envelope
        mark = marks.get(envelope.aggregate_id, Watermark())
        expected = mark.next + len(due.get(envelope.aggregate_id, ()))
        if envelope.version < expected:
            done.append(delivery)
        elif mark.parked:
            behind.append(delivery)
        elif envelope.version > expected:
            early.append(delivery)
        else:
            due.setdefault(envelope.aggregate_id, []).append(delivery)
    return due, done, early, behind


def _rounds(due: dict[UUID, list[Delivery]]) -> list[list[Delivery]]:
    """
    Return first the first event of every aggregate, then the second ones, and so on: within a
    round the order does not matter, from round to round it does.
    """
    longest = max((len(events) for events in due.values()), default=0)
    return [
        [events[number] for events in due.values() if number < len(events)]
        for number in range(longest)
    ]


def _span_names(deliveries: Sequence[Delivery]) -> dict[UUID, str]:
    """
    Return, for each aggregate, what is processed of it: "process OfferSubmitted, OfferAccepted".
    """
    words: dict[UUID, list[str]] = defaultdict(list)
    for delivery in deliveries:
        words[delivery.envelope.aggregate_id].append(delivery.envelope.subject.split(".")[-1])
    return {id_: f"process {', '.join(names)}" for id_, names in words.items()}


async def _read(messages: Sequence[Msg]) -> Sequence[Delivery]:
    """
    Return *messages* with what their headers say; what is no event of ours is refused for good.
    """
    deliveries: list[Delivery] = []
    for message in messages:
        try:
            deliveries.append(Delivery(message, _envelope(message)))
        except (KeyError, ValueError) as error:
            log.error("a message on %s is no event: %r", message.subject, error)
            await message.term()
    return deliveries


def _envelope(message: Msg) -> Envelope:
    headers = message.headers or {}
    return Envelope(
        subject=message.subject,
        event_id=UUID(headers["ce-id"]),
        aggregate_id=UUID(headers["ce-subject"]),
        version=int(headers["ce-sequence"]),
        payload=message.data,
        trace=headers.get("traceparent", ""),
    )
