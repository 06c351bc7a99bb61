"""Caches before real servers that are slow, frozen, gone, flushed or wrong."""

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from chassis.cache.cache import UPKEEP_SECONDS, Cache
from chassis.cache.entry import Loaded, entry_of, packed
from chassis.cache.server import BUDGET_SECONDS, SKEW_SECONDS
from deploy.local.ports import Ports
from deploy.local.processes import running
from deploy.local.valkey import url_of, valkey_process

# What a call may take while a server does its worst: the budget, and a busy machine.
SOON = BUDGET_SECONDS + 0.45


class Source:
    def __init__(self):
        self.values = {}
        self.loads = 0

    async def load(self, keys):
        self.loads += len(keys)
        await asyncio.sleep(0.002)
        return [self.values.get(key, Loaded(version=0, value=None)) for key in keys]


@pytest.fixture
def source():
    return Source()


@asynccontextmanager
async def server(directory, port=None):
    """
    Run a cache server; give its URL and pid.
    """
    process = valkey_process(directory, port=port or Ports({}).take(), log=directory / "valkey.log")
    async with running(process) as (child,):
        yield url_of(process), child.pid


@asynccontextmanager
async def replicas(source, urls, count=2, kind=Cache):
    """
    Run some caches as replicas have them, each with its own process level.
    """
    caches = [kind("test", source.load, urls=urls) for _ in range(count)]
    jobs = [asyncio.create_task(cache.run()) for cache in caches]
    try:
        yield caches
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        for cache in caches:
            await cache.close()


async def settled(*caches):
    """
    Wait for what the caches do in the background.
    """
    for cache in caches:
        while cache._errands:
            await asyncio.gather(*cache._errands)


async def timed(call):
    began = time.monotonic()
    answer = await call
    return answer, time.monotonic() - began


def change(source, key, version, value, *caches):
    source.values[key] = Loaded(version=version, value=value)
    for cache in caches:
        cache.drop(key, version)


async def until_answering(cache):
    async with asyncio.timeout(20):
        while any(each.breaker.is_open for each in cache.shared.servers):
            await asyncio.sleep(0.05)


async def test_what_one_replica_has_loaded_another_finds(source, tmp_path):
    source.values["a"] = Loaded(version=1, value=b"one")
    async with server(tmp_path) as (url, _), replicas(source, url) as (one, two):
        await one.get("a")
        await settled(one)

        assert await two.get("a") == b"one"
        assert source.loads == 1


async def test_replicas_that_miss_together_mostly_load_once(source, tmp_path):
    loads = []
    async with server(tmp_path) as (url, _), replicas(source, url, count=10) as caches:
        for cache in caches:
            await cache.get("warm")  # connected
        # Of several keys, as a server that is late for once, on a busy machine, is not waited for.
        for key in "abcdef":
            source.values[key] = Loaded(version=1, value=b"one")
            source.loads = 0
            assert await asyncio.gather(*(cache.get(key) for cache in caches)) == [b"one"] * 10
            loads.append(source.loads)

    assert min(loads) <= 3, loads


async def test_a_change_is_seen_in_both_levels_at_once(source, tmp_path):
    change(source, "a", 1, b"old")
    async with server(tmp_path) as (url, _), replicas(source, url) as (one, two):
        assert [await one.get("a"), await two.get("a")] == [b"old", b"old"]
        await settled(one, two)

        change(source, "a", 2, b"new", one, two)
        await settled(one, two)

        assert [await one.get("a"), await two.get("a")] == [b"new", b"new"]


async def test_a_late_store_of_an_old_value_is_refused_by_the_server(source, tmp_path):
    async with server(tmp_path) as (url, _), replicas(source, url) as (one, two):
        change(source, "a", 2, b"new", one)
        await settled(one)

        # The other one read before the change and has not heard of it.
        old = entry_of("a", Loaded(version=1, value=b"old"), now=time.time(), seconds=60)
        await two.shared.store(old)

        assert await two.get("a") == b"new"


async def test_without_versions_the_late_value_would_stay(source, tmp_path):
    async with server(tmp_path) as (url, _), replicas(source, url) as (one, two):
        change(source, "a", 2, b"new", one)
        await settled(one)

        # As a cache does that deletes, and stores whatever it has read.
        plain = Redis.from_url(url)
        await plain.delete("waybill:test:a")
        old = entry_of("a", Loaded(version=1, value=b"old"), now=time.time(), seconds=60)
        await plain.set("waybill:test:a", packed(old))
        await plain.aclose()

        assert await two.get("a") == b"old"
        # Whoever has heard of the change refuses it even so.
        assert await one.get("a") == b"new"


async def test_a_frozen_server_delays_little_and_soon_nothing(source, tmp_path):
    async with server(tmp_path) as (url, pid), replicas(source, url, count=1) as (cache,):
        await cache.get("warm")
        os.kill(pid, signal.SIGSTOP)
        try:
            for number in range(20):
                answer, seconds = await timed(cache.get(str(number)))
                assert answer is None
                assert seconds < SOON
            assert cache.shared.servers[0].breaker.is_open
            _, seconds = await timed(asyncio.gather(*(cache.get(f"x{n}") for n in range(100))))
            assert seconds < SOON
        finally:
            os.kill(pid, signal.SIGCONT)
        await until_answering(cache)


async def test_a_server_that_was_frozen_during_a_change_is_not_believed(source, tmp_path):
    change(source, "a", 1, b"old")
    async with server(tmp_path) as (url, pid), replicas(source, url) as (one, two):
        assert [await one.get("a"), await two.get("a")] == [b"old", b"old"]
        await settled(one, two)
        os.kill(pid, signal.SIGSTOP)
        try:
            change(source, "a", 2, b"new", one, two)
            assert [await one.get("a"), await two.get("a")] == [b"new", b"new"]
            await settled(one, two)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until_answering(one)
        await until_answering(two)

        # As it will be when floors are gone and the value has left the process.
        for cache in (one, two):
            cache.forget_all()
            cache._local._floors.clear()

        assert [await one.get("a"), await two.get("a")] == [b"new", b"new"]


async def test_were_it_believed_the_old_value_would_be_back(source, tmp_path):
    change(source, "a", 1, b"old")
    async with server(tmp_path) as (url, pid), replicas(source, url, count=1) as (cache,):
        await cache.get("a")
        await settled(cache)
        os.kill(pid, signal.SIGSTOP)
        try:
            # Told to nobody, as if the failed message did not matter.
            source.values["a"] = Loaded(version=2, value=b"new")
        finally:
            os.kill(pid, signal.SIGCONT)
        cache.forget_all()

        assert await cache.get("a") == b"old"


async def test_a_killed_server_is_done_without_and_used_again_when_it_is_back(source, tmp_path):
    port = Ports({}).take()
    async with server(tmp_path, port) as (url, pid), replicas(source, url, count=1) as (cache,):
        await cache.get("warm")
        os.kill(pid, signal.SIGKILL)
        for number in range(10):
            _, seconds = await timed(cache.get(str(number)))
            assert seconds < SOON
        assert cache.shared.servers[0].breaker.is_open

        async with server(tmp_path, port):
            await until_answering(cache)
            # It is not the one it was: what it is given within a second is not believed.
            await asyncio.sleep(SKEW_SECONDS)
            change(source, "b", 1, b"one")
            await cache.get("b")
            await settled(cache)
            cache.forget_all()
            source.loads = 0
            assert await cache.get("b") == b"one"
            assert source.loads == 0


async def test_nobody_at_the_address_is_no_problem(source):
    url = f"redis://127.0.0.1:{Ports({}).take()}/0"
    async with replicas(source, url, count=1) as (cache,):
        _, seconds = await timed(asyncio.gather(*(cache.get(str(n)) for n in range(100))))
        assert seconds < SOON


async def test_a_server_that_starts_anew_from_its_disk_is_not_believed(source, tmp_path):
    process = valkey_process(tmp_path, port=Ports({}).take(), log=tmp_path / "valkey.log")
    change(source, "a", 1, b"old")
    async with replicas(source, url_of(process)) as (one, two):
        async with running(process):
            await one.get("a")
            await settled(one)
            async with Redis.from_url(url_of(process)) as redis:
                await redis.save()
            change(source, "a", 2, b"new", one, two)
            await settled(one, two)
        async with running(process):
            # Half a minute later.
            for cache in (one, two):
                cache._local._floors.clear()

            assert [await one.get("a"), await two.get("a")] == [b"new", b"new"]


async def test_a_flushed_server_is_filled_again(source, tmp_path):
    change(source, "a", 1, b"one")
    async with server(tmp_path) as (url, _), replicas(source, url) as (one, two):
        await one.get("a")
        await settled(one)
        plain = Redis.from_url(url)
        await plain.flushall()

        assert await two.get("a") == b"one"
        await settled(two)

        assert await plain.exists("waybill:test:a")
        await plain.aclose()


@pytest.mark.parametrize("wrong", ["garbage", "other key", "list", "huge version"])
async def test_a_wrong_answer_is_a_miss_and_mended(source, tmp_path, wrong):
    change(source, "a", 5, b"right")
    now = time.time()
    async with server(tmp_path) as (url, _), replicas(source, url) as (one, two):
        plain = Redis.from_url(url)
        match wrong:
            case "garbage":
                await plain.set("waybill:test:a", b"\x00garbage" * 20)
            case "other key":
                other = entry_of("b", Loaded(version=9, value=b"wrong"), now=now, seconds=60)
                await plain.set("waybill:test:a", packed(other))
            case "list":
                await plain.lpush("waybill:test:a", "x")
            case "huge version":
                await plain.set("waybill:test:a", b"9" * 200)

        assert await one.get("a") == b"right"
        await settled(one)
        source.loads = 0

        assert await two.get("a") == b"right"
        assert source.loads == 0
        await plain.aclose()


@asynccontextmanager
async def speaking(respond):
    """
    Run a server that answers whatever it is sent as *respond* does; give its URL.
    """

    async def serve(reader, writer):
        try:
            while data := await reader.read(65536):
                await respond(data, writer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0"


async def test_a_server_that_talks_nonsense_is_done_without(source):
    change(source, "a", 1, b"right")

    async def respond(_data, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello\r\n")

    async with speaking(respond) as url, replicas(source, url, count=1) as (cache,):
        for _ in range(5):
            cache.forget_all()
            answer, seconds = await timed(cache.get("a"))
            assert answer == b"right"
            assert seconds < SOON


async def test_a_slow_server_costs_its_budget_and_no_more(source, tmp_path):
    change(source, "a", 1, b"right")
    async with server(tmp_path) as (url, _):
        port = int(url.rpartition(":")[2].partition("/")[0])

        async def respond(data, writer):
            # A proxy that takes half a second for each request.
            await asyncio.sleep(0.5)
            there, here = await asyncio.open_connection("127.0.0.1", port)
            here.write(data)
            await here.drain()
            writer.write(await there.read(65536))
            here.close()

        async with speaking(respond) as slow, replicas(source, slow, count=1) as (cache,):
            for number in range(10):
                cache.forget_all()
                answer, seconds = await timed(cache.get("a"))
                assert answer == b"right"
                assert seconds < SOON, number
            assert cache.shared.servers[0].breaker.is_open


async def test_keys_spread_over_servers_and_survive_one_of_them(source, tmp_path):
    async with (
        server(tmp_path / "one") as (first, pid),
        server(tmp_path / "two") as (second, _),
        replicas(source, f"{first},{second}", count=1) as (cache,),
    ):
        keys = [str(number) for number in range(100)]
        for key in keys:
            source.values[key] = Loaded(version=1, value=b"x")
        await cache.get_many(keys)
        await settled(cache)
        sizes = []
        for url in (first, second):
            plain = Redis.from_url(url)
            sizes.append(len([key async for key in plain.scan_iter("waybill:test:*")]))
            await plain.aclose()
        assert sum(sizes) >= 100
        assert min(sizes) > 20

        os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            cache.forget_all()
            answers, seconds = await timed(cache.get_many(keys))
            assert answers == [b"x"] * 100
            assert seconds < SOON


async def test_a_hot_key_lives_on_every_server_and_dies_on_every_server(source, tmp_path):
    change(source, "hot", 1, b"old")
    async with (
        server(tmp_path / "one") as (first, _),
        server(tmp_path / "two") as (second, _),
        replicas(source, f"{first},{second}", count=1) as (cache,),
    ):
        cache._hot.hot = frozenset({"hot"})
        await cache.get("hot")
        await settled(cache)
        copies = [await each.fetch("hot") for each in cache.shared.servers]
        assert [copy.entry.value for copy in copies] == [b"old", b"old"]

        change(source, "hot", 2, b"new", cache)
        await settled(cache)

        assert [(await each.fetch("hot")).entry for each in cache.shared.servers] == [None, None]


async def test_silent_servers_are_probed_in_the_background(source, tmp_path):
    port = Ports({}).take()
    url = f"redis://127.0.0.1:{port}/0"
    async with replicas(source, url, count=1) as (cache,):
        for number in range(5):
            await cache.get(str(number))
        assert cache.shared.servers[0].breaker.is_open

        async with server(tmp_path, port):
            # Nobody asks for anything meanwhile.
            await until_answering(cache)
    assert UPKEEP_SECONDS < 1
