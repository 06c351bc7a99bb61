"""Counts of all replicas, gathered in a cache server until a worker takes them."""

from collections.abc import Awaitable
from datetime import date
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from chassis.kernel.ids import new_id
from services.product.adapters.activity import Batch

GATHERED = "waybill:activity"
TAKEN = "waybill:activity:taken"

# In the background: nobody waits for it but the next second's counts.
SECONDS = 1.0
# Of products that are only looked at. Made-up ids stop here; what is sold is always counted.
MOST_FIELDS = 20_000
# How many are sent or fetched at a time: 20,000 at once hold up the server, and with it all who
# read from the cache, for longer than these wait (measured: 60 ms).
PIECE = 1_000
# For how long an addition that was done is known, in case it is sent again.
KNOWN_SECONDS = 3_600

_ADD = """
if not redis.call('SET', KEYS[2], '', 'NX', 'EX', ARGV[1]) then return 0 end
local room = tonumber(ARGV[2]) - redis.call('HLEN', KEYS[1])
for at = 3, #ARGV, 2 do
    local is_known = redis.call('HEXISTS', KEYS[1], ARGV[at]) == 1
    if is_known or room > 0 or string.sub(ARGV[at], 1, 1) == 's' then
        redis.call('HINCRBY', KEYS[1], ARGV[at], ARGV[at + 1])
        if not is_known then room = room - 1 end
    end
end
return 1
"""
# What was taken and not finished comes first, under the id it was taken with.
_TAKE = """
if redis.call('EXISTS', KEYS[2]) == 0 then
    if redis.call('EXISTS', KEYS[1]) == 0 then return false end
    redis.call('RENAME', KEYS[1], KEYS[2])
    redis.call('HSET', KEYS[2], 'id', ARGV[1])
end
return redis.call('HGET', KEYS[2], 'id')
"""
_FINISH = """
if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0
"""


class SharedCounts:
    """
    The counts in one cache server.

    Every step may be done again: an addition is known by its id; a batch that was taken stays
    until it is finished, and any worker takes up the one that another has left, under the same id,
    by which the database knows whether it has it.
    """

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            protocol=2,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._add = self._redis.register_script(_ADD)
        self._take = self._redis.register_script(_TAKE)
        self._finish = self._redis.register_script(_FINISH)

    async def add(self, batch: Batch) -> None:
        """
        Add *batch* to what has gathered; the same one again changes nothing.
        """
        counts = [(f"v:{day}:{id_}", count) for (day, id_), count in batch.views.items()]
        counts += [(f"s:{day}:{sku}", units) for (day, sku), units in batch.sold.items()]
        for start in range(0, len(counts), PIECE):
            fields = [part for count in counts[start : start + PIECE] for part in count]
            keys = [GATHERED, f"{GATHERED}:added:{batch.id}:{start}"]
            await self._do(self._add(keys=keys, args=[KNOWN_SECONDS, MOST_FIELDS, *fields]))

    async def take(self) -> Batch | None:
        """
        Return what has gathered, which stays until it is finished; `None` if there is nothing.
        """
        while id_ := await self._do(self._take(keys=[GATHERED, TAKEN], args=[str(new_id())])):
            fields = {
                name: count
                async for name, count in self._redis.hscan_iter(TAKEN, count=PIECE)
                if name != b"id"
            }
            # Else what was read may be of another batch, that was taken after a flush.
            if await self._do(self._redis.hget(TAKEN, "id")) == id_:
                return _batch_of(UUID(id_.decode()), fields)
        return None

    async def finish(self, batch: Batch) -> None:
        await self._do(self._finish(keys=[TAKEN], args=[str(batch.id)]))

    async def close(self) -> None:
        await self._redis.aclose()

    async def _do(self, request: Awaitable[Any]) -> Any:
        return await request


def _batch_of(id_: UUID, fields: dict[bytes, bytes]) -> Batch:
    views: dict[tuple[date, UUID], int] = {}
    sold: dict[tuple[date, str], int] = {}
    for name, count in fields.items():
        kind, _, rest = name.decode().partition(":")
        day, _, what = rest.partition(":")
        if kind == "v":
            views[date.fromisoformat(day), UUID(what)] = int(count)
        elif kind == "s":
            sold[date.fromisoformat(day), what] = int(count)
    return Batch(id=id_, views=views, sold=sold)
