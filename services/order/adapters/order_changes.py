"""The moments at which orders change, as heard on NATS."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis.wake import Wake
from services.order.domain.values import OrderId

# Steps that tell no event of the order's own are seen this late.
LOOK_SECONDS = 1.0


class HeardOrderChanges:
    """
    Hears the events of orders as they pass by, from whichever replica; keeps nothing.

    One subscription serves all watchers of the process. An event missed, while NATS is away say,
    is made up for by looking now and then.
    """

    def __init__(self, broker: Client) -> None:
        self._broker = broker
        self._watchers: dict[UUID, set[Wake]] = defaultdict(set)
        self._closed = False

    async def run(self) -> None:
        """
        Hear until cancelled.
        """
        subscription = await self._broker.subscribe("retail.order.v1.>", cb=self._heard)
        try:
            await asyncio.Event().wait()
        finally:
            if self._broker.is_connected:
                await subscription.unsubscribe()

    async def watch(self, order_id: OrderId) -> AsyncIterator[None]:
        """
        Yield at once, and soon after each change of an order, and now and then without one.
        """
        bell = Wake()
        self._watchers[order_id].add(bell)
        try:
            while not self._closed:
                yield
                await bell.wait(sweep_seconds=LOOK_SECONDS)
        finally:
            self._watchers[order_id].discard(bell)
            if not self._watchers[order_id]:
                del self._watchers[order_id]

    def close(self) -> None:
        """
        End all watching: the callers watch on at another replica.
        """
        self._closed = True
        for bells in self._watchers.values():
            for bell in bells:
                bell.ring()

    async def _heard(self, message: Msg) -> None:
        subject = (message.headers or {}).get("ce-subject")
        if self._watchers and subject:
            for bell in self._watchers.get(UUID(subject), ()):
                bell.ring()
