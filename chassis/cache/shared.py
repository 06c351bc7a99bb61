"""The level of a cache that all replicas share: one server, or several."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b

from chassis.cache.entry import Entry
from chassis.cache.metrics import SERVER_SKIPS
from chassis.cache.server import BUDGET_SECONDS, CacheServer, Fetched

# How long to leave the one who loads a key before looking whether it is there.
LOOK_AGAIN_SECONDS = 0.015


class SharedLevel:
    """
    Spreads keys over servers by rendezvous hashing: each key has an order of servers of its own,
    and lives on the first that answers. Hot keys live on all of them, and are read from any.

    Changes are told to all servers, as any of them may have held the key at some time.

    Args:
        urls: Of the servers, comma-separated; empty: there is no such level, and all is a miss.
        name: What keys in the servers begin with.
    """

    def __init__(self, urls: str, *, name: str, cache: str) -> None:
        self.servers = [CacheServer(url, name, cache) for url in urls.split(",") if url]
        self._skips = SERVER_SKIPS.labels(cache)

    async def fetch(self, key: str, *, hot: bool = False) -> Fetched:
        """
        Return what the servers say of *key*, within the budget of time, whatever they do.

        Of replicas that miss it at the same time one has the lease to load it; the others look
        again a little later, and after that load it themselves.
        """
        server = self._server_for(key, hot=hot)
        if server is None:
            return Fetched()
        fetched = Fetched()
        try:
            async with asyncio.timeout(BUDGET_SECONDS):
                for pause in (LOOK_AGAIN_SECONDS, LOOK_AGAIN_SECONDS, 0):
                    fetched = await server.fetch(key)
                    if fetched.entry or fetched.leased or not fetched.answered:
                        break
                    await asyncio.sleep(pause)
        except TimeoutError:
            pass
        return fetched

    async def store(self, entry: Entry, *, hot: bool = False) -> None:
        server = self._server_for(entry.key, hot=False)
        stores = self._answering() if hot else [server] if server else []
        for each in stores:
            await each.store(entry)

    async def drop(self, key: str, version: int) -> None:
        """
        Tell all servers that *key* has changed.
        """
        await asyncio.gather(*(server.drop((key, version)) for server in self.servers))

    def distrust(self) -> None:
        """
        Believe nothing that was stored up to now: changes may have been missed.
        """
        for server in self.servers:
            server.distrust(time.time())

    async def probe(self) -> None:
        """
        See whether servers that did not answer do so again.
        """
        now = time.monotonic()
        silent = [server for server in self.servers if server.breaker.wants_probe(now)]
        await asyncio.gather(*(server.probe() for server in silent))

    async def close(self) -> None:
        for server in self.servers:
            await server.close()

    def _server_for(self, key: str, *, hot: bool) -> CacheServer | None:
        answering = self._answering()
        if not answering:
            if self.servers:
                self._skips.inc()
            return None
        if len(answering) == 1:
            return answering[0]
        return random.choice(answering) if hot else max(answering, key=ranked(key))

    def _answering(self) -> Sequence[CacheServer]:
        return [server for server in self.servers if not server.breaker.is_open]


def ranked(key: str) -> Callable[[CacheServer], bytes]:
    """
    Return how far ahead a server is for *key*: the same in every process, and independent of which
    other servers there are.
    """

    def rank(server: CacheServer) -> bytes:
        return blake2b(f"{server.url}\n{key}".encode(), digest_size=8).digest()

    return rank
