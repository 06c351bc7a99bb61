"""New and changed offers and requests, noticed the moment their events are published."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis.wake import Wake
from retail.fulfillment.v1.fulfillment_events_pb2 import (
    CancellationRequested,
    FulfillmentOrderChanged,
    OfferSubmitted,
)
from services.fulfillment.application.ports import Noticed
from services.fulfillment.domain.values import FulfillmentOrderId, OfferId, ProviderId

# How often watchers look for themselves, in case a notice was lost.
SWEEP_SECONDS = 2.0

# After each round a moment for more to come: hundreds of offers a second share some fifty queries.
GATHER_SECONDS = 0.02

# A watcher that reads this slowly finds the rest when it looks for itself.
MOST_NOTICED = 5_000


class NatsOfferNotices:
    """
    Plain subscriptions for the whole process, fanned out to the watchers by provider.

    No JetStream consumers: a notice only saves time, so nothing has to be kept, acknowledged or
    repeated. After a reconnect the client subscribes again by itself.
    """

    def __init__(self, broker: Client, *, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._broker = broker
        self._sweep_seconds = sweep_seconds
        self._watchers: dict[ProviderId, set[_Watcher]] = defaultdict(set)
        self._closed = False

    @property
    def watchers(self) -> int:
        """
        How many watch here.
        """
        return sum(len(watchers) for watchers in self._watchers.values())

    async def listen(self) -> None:
        """
        Pass on notices until cancelled.
        """
        subscriptions = [
            await self._broker.subscribe(event.DESCRIPTOR.full_name, cb=heard)
            for event, heard in (
                (OfferSubmitted, self._submitted),
                (FulfillmentOrderChanged, self._changed),
                (CancellationRequested, self._asked),
            )
        ]
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            if self._broker.is_connected:
                for subscription in subscriptions:
                    await subscription.unsubscribe()

    @contextmanager
    def of(self, provider_id: ProviderId) -> Iterator[AsyncIterator[Noticed | None]]:
        watcher = _Watcher()
        self._watchers[provider_id].add(watcher)
        try:
            yield self._news(watcher)
        finally:
            self._watchers[provider_id].discard(watcher)
            if not self._watchers[provider_id]:
                del self._watchers[provider_id]

    def close(self) -> None:
        """
        End all watching, now and from now on.
        """
        self._closed = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake.ring()

    async def _submitted(self, message: Msg) -> None:
        if self._watchers:
            event = OfferSubmitted.FromString(message.data)
            self._note(event.provider_id, event.offer_id, 0)

    async def _changed(self, message: Msg) -> None:
        if self._watchers:
            event = FulfillmentOrderChanged.FromString(message.data)
            if event.offer_id:
                self._note(event.provider_id, event.offer_id, event.change_number)

    async def _asked(self, message: Msg) -> None:
        if self._watchers:
            event = CancellationRequested.FromString(message.data)
            work = FulfillmentOrderId(UUID(event.fulfillment_order_id))
            by = event.answer_by_time.ToDatetime(UTC)
            for watcher in self._watchers.get(ProviderId(event.provider_id), ()):
                watcher.note_cancellation(work, by)

    def _note(self, provider_id: str, offer_id: str, change_number: int) -> None:
        for watcher in self._watchers.get(ProviderId(provider_id), ()):
            watcher.note(OfferId(UUID(offer_id)), change_number)

    async def _news(self, watcher: "_Watcher") -> AsyncIterator[Noticed | None]:
        time = asyncio.get_running_loop().time
        while not self._closed:
            sweep_at = time() + self._sweep_seconds
            yield None
            while not self._closed and (rest := sweep_at - time()) > 0:
                await watcher.wake.wait(sweep_seconds=rest)
                if noticed := watcher.take():
                    yield noticed
                    await asyncio.sleep(GATHER_SECONDS)


class _Watcher:
    def __init__(self) -> None:
        self.wake = Wake()
        self._offers: dict[OfferId, int] = {}
        self._cancellations: dict[FulfillmentOrderId, datetime] = {}

    def note(self, offer_id: OfferId, change_number: int) -> None:
        if len(self._offers) < MOST_NOTICED:
            self._offers[offer_id] = max(change_number, self._offers.get(offer_id, 0))
        self.wake.ring()

    def note_cancellation(self, work: FulfillmentOrderId, answer_by: datetime) -> None:
        if len(self._cancellations) < MOST_NOTICED:
            self._cancellations[work] = answer_by
        self.wake.ring()

    def take(self) -> Noticed | None:
        if not self._offers and not self._cancellations:
            return None
        noticed = Noticed(offers=self._offers, cancellations=self._cancellations)
        self._offers, self._cancellations = {}, {}
        return noticed
