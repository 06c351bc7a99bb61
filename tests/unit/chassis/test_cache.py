import asyncio
import time

import pytest

from chassis.cache.breaker import FAILURES, PAUSE_SECONDS, Breaker
from chassis.cache.cache import Cache
from chassis.cache.entry import Entry, Loaded, entry_of, packed, unpacked
from chassis.cache.hot import WATCHED, WINDOW, HotKeys
from chassis.cache.local import FLOOR_SECONDS, LocalLevel
from chassis.cache.recent import Recent

NOW = 1_000_000.0


def entry(key="a", *, version=1, value=b"x", seconds=60.0, now=NOW):
    return Entry(key, version, value, now, now + seconds, now + seconds)


class Source:
    """
    What is cached: values by key, and a gate that holds up those who read.
    """

    def __init__(self):
        self.values = {}
        self.loads = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reading = asyncio.Event()

    async def load(self, keys):
        self.loads.append(list(keys))
        read = [self.values.get(key, Loaded(version=0, value=None)) for key in keys]
        self.reading.set()
        await self.gate.wait()
        return read


@pytest.fixture
def source():
    return Source()


# What travels


def test_an_entry_comes_back_as_it_went():
    for value in (b"some bytes", b"", None):
        there = entry_of("a", Loaded(version=7, value=value), now=NOW, seconds=60)

        back = unpacked("a", packed(there))

        assert back is not None
        assert (back.key, back.version, back.value) == ("a", 7, value)
        assert back.expires_at == pytest.approx(there.expires_at, abs=0.001)


def test_an_entry_of_another_key_is_none():
    assert unpacked("b", packed(entry("a"))) is None


@pytest.mark.parametrize("place", range(0, 63, 3))
def test_a_changed_byte_is_found_out(place):
    stored = bytearray(packed(entry("a", value=b"value")))
    stored[place] ^= 1

    assert unpacked("a", bytes(stored)) is None


@pytest.mark.parametrize("garbage", [b"", b"x" * 16, b"0" * 200, b"\xff" * 200])
def test_garbage_is_no_entry(garbage):
    assert unpacked("a", garbage) is None


def test_entries_expire_apart_and_never_late():
    ends = {entry_of("a", Loaded(version=1, value=b""), now=NOW, seconds=100).expires_at
            for _ in range(50)}  # fmt: skip

    assert len(ends) > 1
    assert all(NOW + 90 <= end <= NOW + 100 for end in ends)


def test_a_value_that_depends_on_time_ends_with_it():
    scheduled = Loaded(version=1, value=b"", expires_at=NOW + 5)

    assert entry_of("a", scheduled, now=NOW, seconds=100).expires_at == NOW + 5


# In the process


def test_the_budget_of_bytes_holds_whatever_comes():
    level = LocalLevel(100_000)
    for number in range(2_000):
        level.keep(entry(str(number), value=b"x" * (number % 500)), now=NOW)
        level.find(str(number - 3))

    assert level.used_bytes <= 100_000
    assert level.evictions > 1_000


def test_what_is_larger_than_a_tenth_of_the_budget_is_not_kept():
    level = LocalLevel(100_000)

    level.keep(entry("large", value=b"x" * 10_000), now=NOW)

    assert level.find("large") is None


def test_who_reads_everything_once_pushes_out_nothing_proven():
    level = LocalLevel(100_000)
    level.keep(entry("popular"), now=NOW)
    level.find("popular")

    for number in range(5_000):
        level.keep(entry(f"once-{number}"), now=NOW)

    assert level.find("popular")


def test_nothing_older_than_a_change_is_taken_in():
    level = LocalLevel(100_000)
    level.keep(entry(version=1), now=NOW)

    level.drop("a", 2, now=NOW)

    assert level.find("a") is None
    assert not level.keep(entry(version=1), now=NOW + 1)
    assert level.keep(entry(version=2), now=NOW + 1)


def test_a_change_that_is_heard_late_leaves_what_is_newer():
    level = LocalLevel(100_000)
    level.keep(entry(version=3), now=NOW)

    level.drop("a", 2, now=NOW)

    assert level.find("a")


def test_a_floor_does_not_stay_for_ever():
    level = LocalLevel(100_000)
    level.drop("a", 2, now=NOW)

    assert level.floor("a", now=NOW + FLOOR_SECONDS + 1) == 0


def test_a_newer_value_is_not_replaced_by_an_older_one():
    level = LocalLevel(100_000)
    level.keep(entry(version=2), now=NOW)

    assert not level.keep(entry(version=1), now=NOW)
    assert level.find("a").version == 2


# Servers


def test_a_breaker_opens_after_failures_in_a_row_and_closes_with_a_success():
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(NOW)
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(NOW)
    assert not breaker.is_open

    breaker.failed(NOW)

    assert breaker.is_open
    assert not breaker.wants_probe(NOW)
    assert breaker.wants_probe(NOW + PAUSE_SECONDS)
    breaker.succeeded()
    assert not breaker.is_open


def test_probes_of_a_dead_server_become_rarer():
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(NOW)

    breaker.failed(NOW)

    assert not breaker.wants_probe(NOW + PAUSE_SECONDS)
    assert breaker.wants_probe(NOW + 2 * PAUSE_SECONDS)


def test_hot_keys_are_found_among_many_and_cool_down():
    keys = HotKeys()
    for number in range(2 * WINDOW):
        keys.note("hot" if number % 10 == 0 else f"stranger-{number}")
    assert keys.hot == {"hot"}
    assert len(keys._counts) <= WATCHED

    for number in range(8 * WINDOW):
        keys.note(f"other-{number}")

    assert "hot" not in keys.hot


# Both levels before a source


async def test_a_value_is_loaded_once_and_then_lies_ready(source):
    cache = Cache("test", source.load)
    source.values["a"] = Loaded(version=1, value=b"one")

    assert cache.quick("a") is None
    assert await cache.get("a") == b"one"
    assert cache.quick("a") == b"one"
    assert await cache.get("a") == b"one"
    assert source.loads == [["a"]]


async def test_that_there_is_nothing_is_remembered_too(source):
    cache = Cache("test", source.load)

    assert [await cache.get("a"), await cache.get("a")] == [None, None]
    assert source.loads == [["a"]]


async def test_those_who_miss_together_share_one_load(source):
    cache = Cache("test", source.load)

    await asyncio.gather(*(cache.get("a") for _ in range(50)))

    assert source.loads == [["a"]]


async def test_without_single_flight_each_of_them_would_load(source):
    class Hasty(Cache):
        def _flight(self, key, *, ahead=False):
            self._flights.clear()
            return super()._flight(key, ahead=ahead)

    cache = Hasty("test", source.load)

    await asyncio.gather(*(cache.get("a") for _ in range(50)))

    assert sum(len(keys) for keys in source.loads) == 50


async def test_different_keys_share_statements(source):
    cache = Cache("test", source.load)

    await cache.get_many([str(number) for number in range(100)])

    assert len(source.loads) <= 2


async def test_one_who_leaves_does_not_take_the_load_away_from_others(source):
    cache = Cache("test", source.load)
    source.values["a"] = Loaded(version=1, value=b"one")
    source.gate.clear()
    first = asyncio.create_task(cache.get("a"))
    await source.reading.wait()
    second = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)

    first.cancel()
    source.gate.set()

    assert await second == b"one"


async def test_a_failed_load_is_told_to_all_and_not_remembered(source):
    async def fail(_keys):
        raise ConnectionError

    cache = Cache("test", fail)
    answers = await asyncio.gather(*(cache.get("a") for _ in range(3)), return_exceptions=True)
    assert all(isinstance(answer, ConnectionError) for answer in answers)

    cache._load._run = source.load

    assert await cache.get("a") is None


async def read_across_a_change(cache, source):
    """
    Read an old value, and have it arrive only after it was changed.
    """
    source.values["a"] = Loaded(version=1, value=b"old")
    source.gate.clear()
    reader = asyncio.create_task(cache.get("a"))
    await source.reading.wait()
    source.values["a"] = Loaded(version=2, value=b"new")
    cache.drop("a", 2)
    source.gate.set()
    await reader
    return await cache.get("a")


async def test_what_was_read_before_a_change_is_not_kept(source):
    assert await read_across_a_change(Cache("test", source.load), source) == b"new"


async def test_without_floors_and_late_flights_it_would_stay(source):
    class Careless(Cache):
        def drop(self, key, version):  # noqa: ARG002
            self._local._proven.pop(key, None)
            self._local._trial.pop(key, None)

    assert await read_across_a_change(Careless("test", source.load), source) == b"old"


async def test_who_asks_after_a_change_does_not_wait_for_a_load_from_before(source):
    cache = Cache("test", source.load)
    source.values["a"] = Loaded(version=1, value=b"old")
    cache._load._free = 2
    source.gate.clear()
    before = asyncio.create_task(cache.get("a"))
    await source.reading.wait()

    source.values["a"] = Loaded(version=2, value=b"new")
    cache.drop("a", 2)
    after = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    source.gate.set()

    assert [await before, await after] == [b"old", b"new"]


async def test_an_expired_value_is_loaded_again(source):
    cache = Cache("test", source.load)
    source.values["a"] = Loaded(version=1, value=b"cheap", expires_at=time.time() + 0.05)
    await cache.get("a")
    source.values["a"] = Loaded(version=1, value=b"dear")
    await asyncio.sleep(0.06)

    assert cache.quick("a") is None
    assert await cache.get("a") == b"dear"


async def test_a_value_in_use_is_loaded_anew_before_it_expires(source):
    cache = Cache("test", source.load)
    source.values["a"] = Loaded(version=2, value=b"new")
    now = time.time()
    cache._local.keep(Entry("a", 1, b"old", now - 60, now - 1, now + 60), now=now)

    # Nobody waits, and of many who ask one has it loaded.
    assert [cache.quick("a") for _ in range(20)] == [b"old"] * 20
    await source.reading.wait()
    while cache._flights:
        await asyncio.sleep(0)

    assert cache.quick("a") == b"new"
    assert source.loads == [["a"]]


async def test_a_failed_refresh_is_not_tried_again_with_every_hit():
    tries = []

    async def fail(keys):
        tries.append(keys)
        raise ConnectionError

    cache = Cache("test", fail)
    now = time.time()
    cache._local.keep(Entry("a", 1, b"old", now - 60, now - 1, now + 60), now=now)

    for _ in range(20):
        assert cache.quick("a") == b"old"
        await asyncio.sleep(0)

    assert len(tries) == 1


async def test_out_of_touch_everything_is_forgotten_and_nothing_is_believed_for_long(source):
    cache = Cache("test", source.load)
    await cache.get("a")
    cache.lose_touch()
    assert cache._local.find("a") is None

    source.values["a"] = Loaded(version=1, value=b"one")
    await cache.get("a")

    assert cache._local.find("a").expires_at < time.time() + 1


async def test_back_in_touch_everything_is_forgotten_now_and_once_more(source, monkeypatch):
    monkeypatch.setattr("chassis.cache.cache.SPREAD_SECONDS", 0.05)
    cache = Cache("test", source.load)
    await cache.get("a")
    cache.lose_touch()
    cache.regain_touch()
    assert cache._local.find("a") is None

    # Changed before the last of the broker's servers knows that we listen.
    await cache.get("a")
    source.values["a"] = Loaded(version=1, value=b"one")
    await asyncio.sleep(0.1)

    assert await cache.get("a") == b"one"


# Recent values


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


async def test_recent_values_are_loaded_again_after_a_second():
    clock, loads = Clock(), []

    async def load(keys):
        loads.append(list(keys))
        return {"a": len(loads)}

    recent = Recent(load, absent=0, seconds=1.0, clock=clock)

    assert await recent.get_many(["a", "b"]) == {"a": 1, "b": 0}
    clock.now = 1.0
    assert await recent.get_many(["a", "b"]) == {"a": 1, "b": 0}
    clock.now = 1.1
    assert await recent.get_many(["a"]) == {"a": 2}
    assert loads == [["a", "b"], ["a"]]


async def test_all_who_miss_at_a_time_share_statements():
    loads = []

    async def load(keys):
        loads.append(list(keys))
        await asyncio.sleep(0)
        return dict.fromkeys(keys, 1)

    recent = Recent(load, absent=0, seconds=1.0)

    await asyncio.gather(*(recent.get_many([str(n), str(n + 1)]) for n in range(40)))

    assert len(loads) <= 2
    assert len({key for keys in loads for key in keys}) == sum(map(len, loads)) == 41
