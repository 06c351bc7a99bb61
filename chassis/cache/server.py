"""One cache server: asked in batches, never waited for, and not believed where it may be behind."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError

from chassis.cache.breaker import Breaker
from chassis.cache.entry import Entry, packed, unpacked
from chassis.cache.metrics import SERVER_ERRORS
from chassis.gather import Gathered

# Whatever happens in a cache server, nobody waits longer for it.
BUDGET_SECONDS = 0.05
MOST_KEYS = 100
# Rounds of the event loop in which a batch gathers: it costs hundreds of times as much as one.
YIELDS = 5

# For how long one replica has the right to load a key, while the others look again.
LEASE_MILLISECONDS = 500
# For how long the server remembers that a key has changed: longer than any load takes.
TOMBSTONE_MILLISECONDS = 30_000
# By how much the clocks of two replicas may differ.
SKEW_SECONDS = 1.0

_RUN_ID = re.compile(rb"run_id:(\w+)")

# The keys' values; for each that is missing, whether this caller is the one to load it.
_FETCH = """
local answers = {}
for number, key in ipairs(KEYS) do
    local stored = redis.pcall('GET', key)
    if type(stored) ~= 'string' then stored = '' end
    local leased = 0
    if #stored <= 16 then
        local lease = key .. ':lease'
        if redis.call('SET', lease, '', 'NX', 'PX', ARGV[1]) then leased = 1 end
    end
    answers[2 * number - 1] = stored
    answers[2 * number] = leased
end
return answers
"""
# A value goes in unless the server holds, or has been told of, a newer one.
_STORE = """
for number, key in ipairs(KEYS) do
    local stored = redis.pcall('GET', key)
    local known = type(stored) == 'string' and tonumber(string.sub(stored, 1, 16)) or -1
    local entry, milliseconds = ARGV[2 * number - 1], ARGV[2 * number]
    if tonumber(string.sub(entry, 1, 16)) >= known then
        redis.call('SET', key, entry, 'PX', milliseconds)
    end
    redis.call('DEL', key .. ':lease')
end
return #KEYS
"""
# What is older gives way to a tombstone: a version and nothing else.
_DROP = """
for number, key in ipairs(KEYS) do
    local stored = redis.pcall('GET', key)
    local known = type(stored) == 'string' and tonumber(string.sub(stored, 1, 16)) or -1
    if tonumber(ARGV[number + 1]) > known then
        redis.call('SET', key, ARGV[number + 1], 'PX', ARGV[1])
    end
    redis.call('DEL', key .. ':lease')
end
return #KEYS
"""


@dataclass(frozen=True, slots=True)
class Fetched:
    """
    What a server says of a key.

    Attributes:
        entry: `None` if it has none that can be believed.
        leased: Whether the caller is the one to load it.
        answered: Whether it said anything at all.
    """

    entry: Entry | None = None
    leased: bool = False
    answered: bool = False


@dataclass
class CacheServer:
    """
    A Valkey server (or Redis).

    It is told of every change by every replica. If it cannot be told, this process no longer
    believes anything that was stored there before: a server that was frozen or cut off comes back
    with old values, and nobody would correct them. So does one that was started anew from what it
    had on disk, or a stand-in that has not heard of everything: each connection asks who it is.

    Attributes:
        name: What keys begin with.
        cache: What metrics call it.
    """

    url: str
    name: str
    cache: str
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self.redis = client_of(self.url, self._meet)
        self._run_id: bytes | None = None
        self._distrusted_before = 0.0
        self.fetch = Gathered[str, Fetched](self._fetch, most=MOST_KEYS, yields=YIELDS)
        self.store = Gathered[Entry, None](self._store, most=MOST_KEYS, yields=YIELDS)
        self.drop = Gathered[tuple[str, int], None](self._drop, most=MOST_KEYS)
        self._scripts = {text: self.redis.register_script(text) for text in (_FETCH, _STORE, _DROP)}

    def distrust(self, now: float) -> None:
        """
        Believe nothing that was stored before *now*.
        """
        self._distrusted_before = now + SKEW_SECONDS

    async def probe(self) -> None:
        """
        See whether the server answers again.
        """
        await self.attempt(cast(Awaitable[Any], self.redis.ping()))

    async def attempt(self, request: Awaitable[Any]) -> Any:
        """
        Return what *request* answers; `None` if it fails, of which the breaker takes note.
        """
        try:
            answer = await request
        except Exception:
            # Whatever a client makes of a broken server: no cache is worth a failed call.
            SERVER_ERRORS.labels(self.cache).inc()
            self.breaker.failed(time.monotonic())
            return None
        self.breaker.succeeded()
        return answer

    async def close(self) -> None:
        await self.redis.aclose()

    async def _meet(self, connection: Any) -> None:
        """
        Begin *connection*, and see whether it leads to the same run of the same server as before.
        """
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        try:
            found = _RUN_ID.search(await connection.read_response())
        except (ResponseError, TypeError):
            return  # it does not say
        if found:
            if self._run_id not in (None, found[1]):
                self.distrust(time.time())
            self._run_id = found[1]

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if self.breaker.is_open:
            return None
        names = [self._name_of(key) for key in keys]
        return await self.attempt(self._scripts[script](keys=names, args=arguments))

    def _name_of(self, key: str) -> str:
        return f"{self.name}:{key}"

    async def _fetch(self, keys: Sequence[str]) -> Sequence[Fetched]:
        wanted = list(dict.fromkeys(keys))
        answers = await self._run(_FETCH, wanted, [LEASE_MILLISECONDS])
        if not isinstance(answers, list) or len(answers) != 2 * len(wanted):
            return [Fetched()] * len(keys)
        bad: list[str] = []
        found: Mapping[str, Fetched] = {
            key: self._fetched(key, stored, leased, bad)
            for key, stored, leased in zip(wanted, answers[::2], answers[1::2], strict=True)
        }
        if bad:
            SERVER_ERRORS.labels(self.cache).inc(len(bad))
            await self.attempt(self.redis.unlink(*(self._name_of(key) for key in bad)))
        return [found[key] for key in keys]

    def _fetched(self, key: str, stored: Any, leased: Any, bad: list[str]) -> Fetched:
        if not isinstance(stored, bytes) or len(stored) <= 16:
            return Fetched(None, leased == 1, answered=True)
        entry = unpacked(key, stored)
        if entry is None:
            # Its version may be any: in the way of what is right.
            bad.append(key)
        elif entry.stored_at >= self._distrusted_before and entry.expires_at > time.time():
            return Fetched(entry, answered=True)
        # It is there and no good: nobody has a lease, so whoever sees it loads it.
        return Fetched(None, leased=True, answered=True)

    async def _store(self, entries: Sequence[Entry]) -> Sequence[None]:
        newest = {entry.key: entry for entry in sorted(entries, key=lambda entry: entry.version)}
        now = time.time()
        arguments: list[Any] = []
        for entry in newest.values():
            arguments += [packed(entry), max(1, int((entry.expires_at - now) * 1000))]
        await self._run(_STORE, list(newest), arguments)
        return [None] * len(entries)

    async def _drop(self, changes: Sequence[tuple[str, int]]) -> Sequence[None]:
        newest: dict[str, int] = {}
        for key, version in changes:
            newest[key] = max(version, newest.get(key, 0))
        versions = [b"%016d" % version for version in newest.values()]
        told = None
        try:
            told = await self._run(_DROP, list(newest), [TOMBSTONE_MILLISECONDS, *versions])
        finally:
            if told != len(newest):
                self.distrust(time.time())
        return [None] * len(changes)


def client_of(url: str, meet: Callable[[Any], Awaitable[None]]) -> Redis:
    """
    Return a client that gives up soon and never tries again by itself.

    Args:
        meet: Begins a connection.
    """
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=BUDGET_SECONDS,
        socket_connect_timeout=BUDGET_SECONDS,
        retry=Retry(NoBackoff(), 0),
        max_connections=8,
        redis_connect_func=meet,
    )
