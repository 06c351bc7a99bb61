"""A cache of two levels before a source that is asked in batches."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field, replace
from typing import Any

from chassis.cache.entry import Entry, Loaded, entry_of
from chassis.cache.hot import HotKeys
from chassis.cache.local import LocalLevel
from chassis.cache.metrics import BYTES, EVICTIONS, HITS, HOT_KEYS, LOADS, MISSES, STALE
from chassis.cache.server import YIELDS, Fetched
from chassis.cache.shared import SharedLevel
from chassis.gather import Gathered

SECONDS = 300.0
NOTHING_SECONDS = 5.0
# While nobody tells of changes, this is how long a value is believed.
DEAF_SECONDS = 0.5

MOST_LOADED = 200
LOAD_LANES = 1
# One hit in so many is counted towards the hot keys.
NOTE_EVERY = 16
UPKEEP_SECONDS = 0.25
RETRY_SECONDS = 1.0
# How long the servers of a broker take to tell each other who listens, with plenty to spare.
SPREAD_SECONDS = 0.5


@dataclass(eq=False)
class _Flight:
    task: asyncio.Task[Entry] = field(init=False)
    # Set by a change meanwhile: what it brings may be from before.
    is_late: bool = False


class Cache:
    """
    Answers from this process, else from the shared servers, else from the source.

    Of all who miss one key at a time, one load is made in this process, and mostly one in all
    replicas. What a change makes old is refused on every way back in: a load that began before the
    change is answered to those who asked before it, and kept nowhere; the process keeps a floor,
    and the servers a tombstone, below which they take nothing in for half a minute, longer than a
    load takes; a server that could not be told is not believed in what it held. Whatever escapes
    all of that expires.

    Args:
        name: What metrics call it, and what keys in the servers begin with.
        load: The source: answers many keys at once, in order.
        urls: Of shared servers, comma-separated; empty: only this process.
        budget_bytes: Of memory in this process.
        seconds: How long a value is believed if nothing tells of a change.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[Sequence[str]], Awaitable[Sequence[Loaded | Exception]]],
        *,
        urls: str = "",
        budget_bytes: int = 2**26,
        seconds: float = SECONDS,
    ) -> None:
        self._seconds = seconds
        self._load = Gathered(self._timed(load), most=MOST_LOADED, lanes=LOAD_LANES, yields=YIELDS)
        self._local = LocalLevel(budget_bytes)
        self.shared = SharedLevel(urls, name=f"waybill:{name}", cache=name)
        self._flights: dict[str, _Flight] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._hot = HotKeys()
        self._is_deaf = False
        self._forgets_again: asyncio.TimerHandle | None = None
        self._hits = 0
        self._noted_hits = 0
        self._noted_evictions = 0
        self._local_hits = HITS.labels(name, "local")
        self._shared_hits = HITS.labels(name, "shared")
        self._misses = MISSES.labels(name)
        self._stale = STALE.labels(name)
        self._loads = LOADS.labels(name)
        self._bytes = BYTES.labels(name)
        self._evictions = EVICTIONS.labels(name)
        self._hot_keys = HOT_KEYS.labels(name)

    def quick(self, key: str) -> bytes | None:
        """
        Return the value of *key* if this process has it; `None` says nothing.
        """
        entry = self._fresh(key)
        return None if entry is None else entry.value

    async def get(self, key: str) -> bytes | None:
        """
        Return the value of *key*; `None` if there is nothing.
        """
        entry = self._fresh(key)
        if entry is None:
            entry = await asyncio.shield(self._flight(key).task)
        return entry.value

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """
        Return the values of *keys*, in order; `None` where there is nothing.
        """
        return await asyncio.gather(*(self.get(key) for key in keys))

    def drop(self, key: str, version: int) -> None:
        """
        Forget everything about *key* that is older than *version*, here now and in the servers
        soon.
        """
        now = time.time()
        if self._local.floor(key, now=now) >= version:
            return  # told before: by the transaction itself, and now by its event
        self._local.drop(key, version, now=now)
        if flight := self._flights.pop(key, None):
            flight.is_late = True
        if self.shared.servers:
            self._run_errand(self.shared.drop(key, version))

    def forget_all(self) -> None:
        """
        Forget what is in this process, and keep nothing of what is being loaded.
        """
        self._local.clear()
        for flight in self._flights.values():
            flight.is_late = True
        self._flights.clear()

    def lose_touch(self) -> None:
        """
        Take note that changes are no longer told: values are believed for a moment only.
        """
        if not self._is_deaf:
            self._is_deaf = True
            self.forget_all()

    def regain_touch(self) -> None:
        """
        Take note that changes are told again, and forget all that may have changed meanwhile: now,
        and once more when every server of the broker knows that we listen.
        """
        self._is_deaf = False
        self.forget_all()
        self.shared.distrust()
        if self._forgets_again:
            self._forgets_again.cancel()
        loop = asyncio.get_running_loop()
        self._forgets_again = loop.call_later(SPREAD_SECONDS, self.forget_all)

    async def run(self) -> None:
        """
        See to silent servers and to metrics, until cancelled.
        """
        while True:
            await self.shared.probe()
            self._sample()
            await asyncio.sleep(UPKEEP_SECONDS)

    async def close(self) -> None:
        self._sample()
        # Within the budget of a request each.
        await asyncio.gather(*self._errands, return_exceptions=True)
        await self.shared.close()

    def _fresh(self, key: str) -> Entry | None:
        entry = self._local.find(key)
        if entry is None:
            return None
        now = time.time()
        if now >= entry.refresh_at:
            if now >= entry.expires_at:
                return None
            # Still good; loaded again before it is not, so that nobody has to wait for it. If that
            # fails, the next try is not at once.
            self._local.keep(replace(entry, refresh_at=now + RETRY_SECONDS), now=now)
            self._flight(key, ahead=True)
        self._hits += 1
        if not self._hits % NOTE_EVERY:
            self._hot.note(key)
        return entry

    def _flight(self, key: str, *, ahead: bool = False) -> _Flight:
        flight = self._flights.get(key)
        if flight is None:
            # A refresh belongs to no caller: neither to a trace nor to a deadline.
            context = Context() if ahead else None
            flight = self._flights[key] = _Flight()
            obtain = self._obtain(key, flight, ahead=ahead)
            flight.task = asyncio.create_task(obtain, context=context)
            flight.task.add_done_callback(_collect)
        return flight

    async def _obtain(self, key: str, flight: _Flight, *, ahead: bool) -> Entry:
        try:
            fetched = Fetched() if ahead else await self._fetch(key)
            entry = fetched.entry
            if entry is not None and not flight.is_late and self._keep(entry):
                self._shared_hits.inc()
                return entry
            self._misses.inc()
            began = time.time()
            loaded = await self._load(key)
            seconds = NOTHING_SECONDS if loaded.value is None else self._seconds
            entry = entry_of(key, loaded, now=began, seconds=min(seconds, self._seconds))
            # Late: it may be from before the change.
            if flight.is_late or not self._keep(entry):
                self._stale.inc()
            elif self.shared.servers and not self._is_deaf:
                self._run_errand(self.shared.store(entry, hot=key in self._hot.hot))
            return entry
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def _fetch(self, key: str) -> Fetched:
        if not self.shared.servers:
            return Fetched()
        fetched = await self.shared.fetch(key, hot=key in self._hot.hot)
        entry = fetched.entry
        if entry and entry.version < self._local.floor(key, now=time.time()):
            self._stale.inc()
            return Fetched(answered=True)
        return fetched

    def _keep(self, entry: Entry) -> bool:
        now = time.time()
        if self._is_deaf:
            soon = min(entry.expires_at, now + DEAF_SECONDS)
            entry = replace(entry, refresh_at=soon, expires_at=soon)
        return self._local.keep(entry, now=now)

    def _run_errand(self, errand: Any) -> None:
        # Nobody waits for it; it takes as long as a request may.
        task = asyncio.create_task(errand, context=Context())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _timed(
        self, load: Callable[[Sequence[str]], Awaitable[Sequence[Loaded | Exception]]]
    ) -> Callable[[Sequence[str]], Awaitable[Sequence[Loaded | Exception]]]:
        async def timed(keys: Sequence[str]) -> Sequence[Loaded | Exception]:
            with self._loads.time():
                return await load(keys)

        return timed

    def _sample(self) -> None:
        self._local_hits.inc(self._hits - self._noted_hits)
        self._noted_hits = self._hits
        self._evictions.inc(self._local.evictions - self._noted_evictions)
        self._noted_evictions = self._local.evictions
        self._bytes.set(self._local.used_bytes)
        self._hot_keys.set(len(self._hot.hot))


def _collect(task: asyncio.Task[Entry]) -> None:
    # Whoever asked may have left, and a refresh has nobody: it fails in silence, and the next one
    # who asks tries again.
    if not task.cancelled():
        task.exception()
