"""The moments at which orders change, as heard on NATS and seen in PostgreSQL."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from sqlalchemy import text

from chassis.repeat import repeat
from chassis.storage.bulk import rows_wanted
from chassis.storage.database import Database
from chassis.wake import Wake
from services.order.domain.values import OrderId

# Steps that tell no event of the order's own are seen this late.
LOOK_SECONDS = 1.0
# Who watches looks for himself this often, should all else fail.
PATIENCE_SECONDS = 60.0

_VERSIONS = text(
    """
    SELECT id, version FROM unnest(CAST(:ids AS uuid[])) AS watched (watched_id), LATERAL (
        SELECT id, version FROM orders WHERE id = watched_id
            AND id BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)
        -- Each in its month (ADR-0023).
        OFFSET 0
    ) AS found
    """
)


class HeardOrderChanges:
    """
    Hears the events of orders as they pass by, from whichever replica; keeps nothing.

    One subscription serves all watchers of the process, and one look a second at the versions of
    all that is watched makes up for what tells no event, or was missed while NATS was away. While
    nobody watches there is neither.
    """

    def __init__(self, broker: Client, database: Database) -> None:
        self._broker = broker
        self._database = database
        self._watchers: dict[UUID, set[Wake]] = defaultdict(set)
        self._versions: Mapping[UUID, int] = {}
        self._came = Wake()
        self._closed = False

    async def run(self) -> None:
        """
        Hear and look until cancelled.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear_while_watched())
            tasks.create_task(repeat(self.look, name="watched orders", every_seconds=LOOK_SECONDS))

    async def watch(self, order_id: OrderId) -> AsyncIterator[None]:
        """
        Yield at once, and soon after each change of an order, and now and then without one.
        """
        bell = Wake()
        self._watchers[order_id].add(bell)
        self._came.ring()
        try:
            while not self._closed:
                yield
                await bell.wait(sweep_seconds=PATIENCE_SECONDS)
        finally:
            self._watchers[order_id].discard(bell)
            if not self._watchers[order_id]:
                del self._watchers[order_id]

    def close(self) -> None:
        """
        End all watching: the callers watch on at another replica.
        """
        self._closed = True
        for order_id in self._watchers:
            self._ring(order_id)

    async def look(self) -> None:
        """
        Wake those whose order is in another version than at the last look.
        """
        if not self._watchers:
            return
        async with self._database.begin() as tx:
            watched = [*self._watchers]
            rows = await tx.rows(_VERSIONS, rows_wanted(watched))
        before, self._versions = self._versions, {row.id: row.version for row in rows}
        for order_id, version in self._versions.items():
            if before.get(order_id) != version:
                self._ring(order_id)

    async def _hear_while_watched(self) -> None:
        subscription: Subscription | None = None
        while True:
            await self._came.wait(sweep_seconds=LOOK_SECONDS)
            if self._watchers and not subscription:
                subscription = await self._broker.subscribe("retail.order.v1.>", cb=self._heard)
            elif subscription and not self._watchers:
                await subscription.unsubscribe()
                subscription = None

    async def _heard(self, message: Msg) -> None:
        subject = (message.headers or {}).get("ce-subject")
        if self._watchers and subject:
            self._ring(UUID(subject))

    def _ring(self, order_id: UUID) -> None:
        for bell in self._watchers.get(order_id, ()):
            bell.ring()
