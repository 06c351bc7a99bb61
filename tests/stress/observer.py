"""What is seen of a run from outside: how much is committed, effected and delivered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import asyncpg
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from chassis.events.streams import durable_of, stream_of
from deploy.local.databases import asyncpg_url
from tests.stress.plan import CONTEXT
from tests.stress.servers import Servers

# So far behind, listeners are given time: a backlog grows faster than it can be handled.
BACKLOG = 10_000
GROWTH = 100

# What an observer meets while servers fall.
AWAY = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    NatsError,
    OSError,
    TimeoutError,
)


class Observer:
    """
    Counts, as of a moment ago.

    Attributes:
        committed: Events.
        effects: By group.
        forgotten: Deliveries by group, of consumers that are no more.
    """

    def __init__(self, servers: Servers, broker: Client) -> None:
        self._servers = servers
        self._broker = broker
        self.committed = 0
        self.effects: Counter[str] = Counter()
        self.forgotten: Counter[str] = Counter()
        self._moved_at = time.monotonic()

    @property
    def still_seconds(self) -> float:
        """
        For how long there has been no new effect.
        """
        return time.monotonic() - self._moved_at

    @property
    def behind(self) -> int:
        return self.committed - min(self.effects[group] for group in self._servers.groups)

    async def watch(self, told: Callable[[], None], tell_writers: Callable[[str], None]) -> None:
        """
        Count until cancelled, and pause the writers while listeners are far behind.
        """
        paused = False
        while True:
            began = time.monotonic()
            with suppress(*AWAY):
                await self.count()
            told()
            # Said again and again: a writer that was born meanwhile has not heard it.
            if self.behind > BACKLOG or (paused and self.behind > BACKLOG // 2):
                tell_writers("pause")
                paused = True
            elif paused:
                tell_writers("resume")
                paused = False
            # Counting takes time that others need, the more the longer it takes.
            await asyncio.sleep(0.5 + 5 * (time.monotonic() - began))

    async def count(self) -> None:
        before = self.effects.copy()
        self.committed = await count_rows(self._servers.writers.admin, "committed")
        for group, database in self._servers.groups.items():
            self.effects[group] = await count_rows(database.admin, "effects")
        if self.effects != before:
            self._moved_at = time.monotonic()

    async def effects_grow(self) -> None:
        """
        Wait until there are clearly more effects than now.
        """
        enough = self.effects.total() + GROWTH * len(self._servers.groups)
        while self.effects.total() < enough:
            await asyncio.sleep(0.1)

    async def deliveries_now(self) -> Counter[str]:
        """
        Return how much was delivered to each group, first and repeated deliveries alike, as the
        present consumers remember it.
        """
        counts: Counter[str] = Counter()
        for group in self._servers.groups:
            # After half a deletion there may be none.
            with suppress(NotFoundError):
                counts[group] = (await self._consumer(group)).delivered.consumer_seq
        return counts

    async def is_drained(self) -> bool:
        """
        Return whether every group has acknowledged all that is in the stream.
        """
        infos = [await self._consumer(group) for group in self._servers.groups]
        return all(not info.num_pending and not info.num_ack_pending for info in infos)

    async def _consumer(self, group: str) -> ConsumerInfo:
        return await self._broker.jetstream().consumer_info(
            stream_of(CONTEXT), durable_of(group, CONTEXT)
        )


async def count_rows(url: str, table: str) -> int:
    connection = await asyncpg.connect(asyncpg_url(url), timeout=5, command_timeout=60)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        connection.terminate()
