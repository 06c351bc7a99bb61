"""How long an event takes, from being told in one process to its effect in another."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from statistics import quantiles

import orjson

from deploy.local.databases import asyncpg_url
from deploy.local.event_bench.world import World
from deploy.local.invariants.evidence import connect

ARRIVED_SECONDS = 60.0
BETWEEN_LOOKS_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Lag:
    """
    Milliseconds from before the commit that told an event until after the commit of its effect.

    Attributes:
        told: Events a second that were told meanwhile.
    """

    told: float
    events: int
    p50: float
    p99: float


async def lag_of(world: World, *, rate: float, seconds: float) -> Lag:
    """
    Tell *rate* events a second (0: as many as go) for some *seconds*; return how long they took.
    """
    listener = await _start("listener", world.hearing.app, world.nats_url)
    assert listener.stdout
    await listener.stdout.readline()
    teller = await _start("teller", world.telling.app, world.nats_url, str(rate), str(seconds))
    assert teller.stdout
    told = float(await teller.stdout.readline())
    await _until_all_heard(world)
    await teller.communicate(b"\n")
    output, _ = await listener.communicate(b"\n")
    lags = [lag * 1_000 for lag in orjson.loads(output)]
    cuts = quantiles(lags, n=100)
    return Lag(round(told), len(lags), round(cuts[49], 1), round(cuts[98], 1))


async def _start(role: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"deploy.local.event_bench.{role}", *arguments),
        stdin=PIPE,
        stdout=PIPE,
        # A lag for each event, all in one line.
        limit=2**30,
    )


async def _until_all_heard(world: World) -> None:
    telling = await connect(asyncpg_url(world.telling.admin))
    hearing = await connect(asyncpg_url(world.hearing.admin))
    told = "SELECT count(*) FROM told_events WHERE position > 0"
    heard = "SELECT coalesce(sum(version), 0) FROM inbox"
    async with asyncio.timeout(ARRIVED_SECONDS):
        while True:
            if await hearing.fetchval(heard) >= await telling.fetchval(told):
                break
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
    await telling.close()
    await hearing.close()
