"""How caches hear of changes over a NATS server that is frozen, and beside a server that was."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from chassis.cache import invalidation
from chassis.cache.cache import Cache
from chassis.cache.entry import Loaded
from chassis.cache.invalidation import hear_changes
from chassis.events.broker import connect_broker
from deploy.local.nats_server import nats_processes
from deploy.local.ports import Ports
from deploy.local.processes import running
from deploy.local.valkey import url_of, valkey_process

SUBJECT = "retail.test.Changed"


class Source:
    def __init__(self):
        self.version = 1

    async def load(self, keys):
        return [Loaded(version=self.version, value=b"%d" % self.version) for _ in keys]


@pytest.fixture
def source():
    return Source()


@asynccontextmanager
async def listening(source, nats_url, urls=""):
    """
    Run a cache that hears changes.
    """
    cache = Cache("test", source.load, urls=urls)
    broker = await connect_broker(
        nats_url, name="cache", on_loss=cache.lose_touch, on_return=cache.regain_touch
    )
    job = asyncio.create_task(hear_changes(broker, cache, subjects=[SUBJECT]))
    await asyncio.sleep(0.1)
    try:
        yield cache
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
        await cache.close()
        await broker.close()


@pytest.fixture
async def nats_server(tmp_path):
    """
    Run NATS; give its URL and pid.
    """
    (process,) = nats_processes(tmp_path, nodes=1, ports=Ports({}), logs=tmp_path)
    async with running(process) as (child,):
        yield f"nats://{process.address}", child.pid


async def sees(cache, value, *, within):
    async with asyncio.timeout(within):
        while await cache.get("a") != value:
            await asyncio.sleep(0.01)


async def test_while_nats_is_frozen_a_change_is_seen_soon(source, nats_server):
    url, pid = nats_server
    async with listening(source, url) as cache:
        await asyncio.sleep(0.6)
        assert await cache.get("a") == b"1"
        os.kill(pid, signal.SIGSTOP)
        try:
            source.version = 2

            await sees(cache, b"2", within=2)
            assert cache._is_deaf
        finally:
            os.kill(pid, signal.SIGCONT)
        async with asyncio.timeout(2):
            while cache._is_deaf:
                await asyncio.sleep(0.01)


async def test_nobody_loses_touch_for_a_process_that_is_busy(source, nats_server, monkeypatch):
    lost = []
    async with listening(source, nats_server[0]) as cache:
        monkeypatch.setattr(cache, "lose_touch", lambda: lost.append(1))
        for _ in range(3):
            for _ in range(30):
                await asyncio.sleep(0)
            busy_until = asyncio.get_running_loop().time() + 2 * invalidation.BEAT_SECONDS
            while asyncio.get_running_loop().time() < busy_until:
                pass
        await asyncio.sleep(2 * invalidation.BEAT_SECONDS)

    assert not lost


async def test_a_new_process_does_not_believe_a_server_that_was_frozen_before(
    source, nats_server, tmp_path
):
    process = valkey_process(tmp_path, port=Ports({}).take(), log=tmp_path / "valkey.log")
    async with running(process) as (child,):
        urls = url_of(process)
        async with listening(source, nats_server[0], urls) as one:
            await asyncio.sleep(1.2)  # what is stored at first is not believed
            await one.get("a")
            await asyncio.gather(*one._errands)
            os.kill(child.pid, signal.SIGSTOP)
            source.version = 2
            one.shared.servers[0].breaker.is_open = True  # so nothing waits in the socket
            one.drop("a", 2)
            await asyncio.gather(*one._errands)
            os.kill(child.pid, signal.SIGCONT)

            async with listening(source, nats_server[0], urls) as new:
                assert await new.get("a") == b"2"
