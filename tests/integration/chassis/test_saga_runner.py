import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.saga import runner as runner_module
from chassis.saga.runner import SagaRunner
from chassis.saga.steps import Outcome, Step, TryAgain
from chassis.saga.store import Bells, Sagas


@dataclass
class Subject:
    id: UUID


class World:
    """
    A saga of two steps over subjects that are nothing but their ids.
    """

    def __init__(self, database) -> None:
        self.database = database
        self.due = Bells()
        self.seen = []
        self.saved = []
        self.trouble = {}
        self.trouble_at_second = {}
        self.wait = timedelta(0)  # after the first step

    @asynccontextmanager
    async def begin(self):
        async with self.database.begin() as tx:
            yield WorldTransaction(self, tx, Sagas(tx, self.due))

    def runner(self):
        steps = [Step(name="first", act=self.first), Step(name="second", act=self.second)]
        return SagaRunner(
            name="test", begin=self.begin, steps=steps, bells=self.due, clock=system_clock
        )

    async def first(self, subjects):
        self.seen.append(("first", len(subjects)))
        for subject in subjects:
            if error := self.trouble.get(subject.id):
                raise error
        return [
            Outcome(change=lambda *_: None, next_step="second", wait=self.wait) for _ in subjects
        ]

    async def second(self, subjects):
        self.seen.append(("second", len(subjects)))
        for subject in subjects:
            if error := self.trouble_at_second.get(subject.id):
                raise error
        return [Outcome(change=lambda *_: None, next_step=None) for _ in subjects]

    async def start(self, count):
        ids = [new_id() for _ in range(count)]
        async with self.begin() as tx:
            await tx.sagas.start("first", dict.fromkeys(ids, ""), now=system_clock())
        return ids

    async def standing(self):
        async with self.database.begin() as tx:
            rows = await tx.rows(text("SELECT * FROM sagas ORDER BY id"))
        return {row.id: row for row in rows}


class WorldTransaction:
    def __init__(self, world, tx, sagas):
        self.world = world
        self.run = tx.run
        self.sagas = sagas
        self.saved = False

    async def subjects(self, ids):
        return {id_: Subject(id_) for id_ in ids}

    async def save_subjects(self, subjects):
        self.saved = bool(subjects)
        self.world.saved += [subject.id for subject in subjects]


@pytest.fixture
async def world(database_of):
    return World(await database_of("order"))


async def test_what_is_due_is_run_as_one_batch(world):
    ids = await world.start(50)

    runner = world.runner()
    await runner.run_once(runner.steps[0])

    assert world.seen == [("first", 50), ("second", 50)]
    assert sorted(world.saved) == sorted(ids)
    assert not await world.standing()


async def test_what_a_step_got_is_kept_when_the_next_one_meets_an_outage(world):
    (id_,) = await world.start(1)
    world.trouble_at_second[id_] = OSError("payment is away")

    runner = world.runner()
    await runner.run_once(runner.steps[0])

    saga = (await world.standing())[id_]
    assert (saga.step, saga.attempts) == ("second", 1)
    assert "payment is away" in saga.last_error
    assert world.saved == [id_]


async def test_a_defect_in_the_next_step_writes_nothing_down_and_harms_nobody_else(world):
    bad, *good = await world.start(5)
    world.trouble_at_second[bad] = ValueError("a defect")

    runner = world.runner()
    await runner.run_once(runner.steps[0])

    assert sorted(world.saved) == sorted(good)
    assert (await world.standing()).keys() == {bad}
    assert (await world.standing())[bad].step == "first"


async def test_a_defect_in_the_next_step_is_met_less_and_less_often(world):
    (id_,) = await world.start(1)
    world.trouble_at_second[id_] = ValueError("a defect")
    runner = world.runner()

    for attempts in (1, 2, 3):
        async with world.begin() as tx:
            await tx.run(text("UPDATE sagas SET due_at = now() - interval '1 minute'"))
        await runner.run_once(runner.steps[0])

        assert (await world.standing())[id_].attempts == attempts


async def test_a_lease_that_is_too_short_for_the_next_step_is_renewed_first(world, monkeypatch):
    (id_,) = await world.start(1)
    runner = world.runner()
    # The next step may take ten seconds.
    monkeypatch.setattr(runner_module, "LEASE", timedelta(seconds=9))

    await runner.run_once(runner.steps[0])

    assert world.saved == [id_, id_]


async def test_a_commit_wakes_the_runner_at_once(world, running, monkeypatch):
    monkeypatch.setattr(runner_module, "SWEEP_SECONDS", 60)
    running(world.runner().run())
    await asyncio.sleep(0.3)

    await world.start(1)

    async with asyncio.timeout(5):
        while len(world.seen) < 2 or await world.standing():
            await asyncio.sleep(0.01)


async def test_a_step_that_was_cut_off_runs_again_after_its_lease(world, monkeypatch):
    runner = world.runner()
    monkeypatch.setattr(runner_module, "LEASE", timedelta(seconds=0.2))
    (id_,) = await world.start(1)
    async with world.begin() as tx:
        await tx.sagas.claim("first", limit=1, lease=timedelta(seconds=0.2), now=system_clock())
    assert await runner.run_once(runner.steps[0]) == 0

    await asyncio.sleep(0.25)
    await runner.run_once(runner.steps[0])

    assert world.seen == [("first", 1), ("second", 1)]
    assert id_ not in await world.standing()


async def test_a_process_that_comes_back_does_not_wait_for_its_own_leases(world, running):
    await world.start(3)
    async with world.begin() as tx:
        left = await tx.sagas.claim(
            "first", limit=2, lease=runner_module.LEASE, now=system_clock(), by="order-1"
        )
        others = await tx.sagas.claim(
            "first", limit=1, lease=runner_module.LEASE, now=system_clock(), by="order-2"
        )

    running(replace(world.runner(), instance="order-1").run())

    async with asyncio.timeout(5):
        while len(standing := await world.standing()) > 1:
            await asyncio.sleep(0.01)
    assert standing.keys() == {others[0].id}
    assert sorted(world.saved) == sorted(claim.id for claim in left)


async def test_an_outage_puts_the_whole_batch_off(world):
    ids = await world.start(3)
    world.trouble[ids[0]] = OSError("product is away")

    runner = world.runner()
    await runner.run_once(runner.steps[0])

    standing = await world.standing()
    assert world.seen == [("first", 3)]
    assert [standing[id_].attempts for id_ in ids] == [1, 1, 1]
    assert "product is away" in standing[ids[0]].last_error


async def test_one_bad_subject_does_not_hold_up_the_others(world):
    ids = await world.start(3)
    world.trouble[ids[1]] = ValueError("a bug")

    runner = world.runner()
    await runner.run_once(runner.steps[0])

    standing = await world.standing()
    assert {id_: saga.step for id_, saga in standing.items()} == {ids[1]: "first"}
    assert standing[ids[1]].attempts == 1


async def test_a_saga_woken_during_its_step_runs_it_again(world):
    (id_,) = await world.start(1)

    async def wake_meanwhile(subjects):
        async with world.begin() as tx:
            await tx.sagas.wake([id_], now=system_clock())
        return await world.first(subjects)

    runner = world.runner()
    await runner.run_once(Step(name="first", act=wake_meanwhile))
    assert (await world.standing())[id_].step == "first"

    await runner.run_once(runner.steps[0])
    assert not await world.standing()


async def test_a_step_may_ask_to_be_tried_again(world):
    (id_,) = await world.start(1)

    async def unsure(subjects):
        return [TryAgain(because="no answer yet") for _ in subjects]

    await world.runner().run_once(Step(name="first", act=unsure))

    saga = (await world.standing())[id_]
    assert (saga.step, saga.attempts, saga.last_error) == ("first", 1, "no answer yet")
    assert saga.due_at > system_clock()


async def test_two_runners_never_run_the_same_saga_at_once(world):
    await world.start(100)
    mine, yours = world.runner(), world.runner()

    ran = await asyncio.gather(
        *(runner.run_once(runner.steps[0], limit=20) for runner in (mine, yours) for _ in range(5))
    )

    assert sum(ran) == 100
    assert set(Counter(world.saved).values()) == {1}


async def test_after_an_outage_a_step_runs_again_within_seconds_however_long_it_lasted(world):
    (id_,) = await world.start(1)
    world.trouble[id_] = OSError("product is away")
    async with world.database.begin() as tx:
        await tx.run(text("UPDATE sagas SET attempts = 20"))

    runner = world.runner()
    await runner.run_once(runner.steps[0])

    pause = (await world.standing())[id_].due_at - system_clock()
    assert pause < timedelta(seconds=2.1)


async def test_what_our_own_database_did_not_take_does_not_wait_for_its_lease(world):
    (id_,) = await world.start(1)
    # The first claims; the next three would write down.
    away = iter([False, True, True, True])

    @asynccontextmanager
    async def begin():
        if next(away, False):
            raise OSError("the database is away")
        async with world.begin() as tx:
            yield tx

    shaky = replace(world.runner(), begin=begin)
    await shaky.run_once(shaky.steps[0])

    saga = (await world.standing())[id_]
    assert saga.due_at < system_clock() + timedelta(seconds=2.1)
    assert "the database is away" in saga.last_error


async def test_a_step_whose_commit_worked_though_nobody_heard_so_is_not_run_again(world):
    (id_,) = await world.start(1)
    world.wait = timedelta(hours=1)
    commits = iter(["not heard of"])

    class Deaf(World):
        @asynccontextmanager
        async def begin(self):
            async with world.begin() as tx:
                yield tx
            if tx.saved and next(commits, None):
                raise OSError("the connection broke after the commit")

    runner = world.runner()
    deaf = replace(runner, begin=Deaf(world.database).begin)
    await deaf.run_once(runner.steps[0])

    saga = (await world.standing())[id_]
    assert (saga.step, saga.attempts) == ("second", 0)


async def test_a_claim_takes_no_more_than_its_limit_whatever_the_planner_thinks(world):
    # A plan that looks up the due ones anew for every saga, as is made for small tables.
    plan = ("hashjoin", "mergejoin", "hashagg", "material", "sort", "bitmapscan")
    await world.start(50)

    async with world.begin() as tx:
        for way in plan:
            await tx.run(text(f"SET LOCAL enable_{way} = off"))
        claims = await tx.sagas.claim(
            "first", limit=5, lease=timedelta(seconds=15), now=system_clock()
        )

    assert len(claims) == 5
