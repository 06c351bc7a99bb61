"""A process of the order service that runs sagas, dies, freezes and comes back."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.saga.runner import BATCH, SagaRunner
from chassis.saga.steps import Outcome, Step, TryAgain
from chassis.saga.store import Bells
from services.order.domain.order import Order
from tests.simulation.faults import Fault, StepRun
from tests.simulation.memory import MemoryTransaction

if TYPE_CHECKING:
    from tests.simulation.world import World

# Longer than a lease: what a frozen process has in hand is somebody else's when it thaws.
FREEZE_SECONDS = 20.0
# How late a process looks whether something is due.
SWEEP_SECONDS = 1.0


class Process:
    """
    One replica: a scheduler, by chance, over the real runner.
    """

    def __init__(self, world: "World", name: str) -> None:
        self._world = world
        self.name = name
        self._frozen_until = 0.0
        # What becomes of its next commit.
        self._commit = Fault.OK
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = self._world.spawn(self._live())

    def kill(self) -> None:
        """
        End it at this very line; it is started again after a while.
        """
        assert self._task
        self._world.log(f"{self.name} dies")
        self._task.cancel()
        self._commit, self._frozen_until = Fault.OK, 0.0
        self._world.spawn(self._restart())

    async def _restart(self) -> None:
        await asyncio.sleep(self._world.random.uniform(0.1, 20))
        self._world.log(f"{self.name} is back")
        self.start()

    async def _live(self) -> None:
        world, chance = self._world, self._world.random
        runner = world.make_runner(self)
        await runner.take_back()
        steps = {step.name: step for step in runner.steps}
        while True:
            due = world.memory.due(world.clock())
            if not due:
                await world.until_due(latest=chance.uniform(0, SWEEP_SECONDS))
                continue
            try:
                await runner.run_once(steps[chance.choice(due)], limit=chance.choice((1, 2, BATCH)))
            except Exception as error:  # noqa: BLE001  # as the real loop: the leases run out
                world.log(f"{self.name}: {error!r}")
                await asyncio.sleep(0.1)

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[MemoryTransaction]:
        await asyncio.sleep(max(0.0, self._frozen_until - self._world.loop.time()))
        tx = self._world.transaction()
        yield tx
        fault = self._commit if tx.changed else Fault.OK
        if tx.changed:
            self._commit = Fault.OK
        if fault is Fault.COMMIT_LOST:
            raise OSError("the commit did not arrive")
        tx.commit()
        if fault is Fault.COMMIT_UNHEARD:
            raise OSError("nobody heard of the commit")

    def runner(self, steps: Sequence[Step[Order]]) -> SagaRunner[Order]:
        return SagaRunner(
            name="order",
            begin=self.begin,
            steps=[self._troubled(step) for step in steps],
            bells=Bells(),
            clock=self._world.clock,
            instance=self.name,
        )

    def _troubled(self, step: Step[Order]) -> Step[Order]:
        """
        Return *step*, met by a fault now and then.
        """
        world = self._world

        async def act(orders: Sequence[Order]) -> Sequence[Outcome[Order] | TryAgain]:
            run = world.draw(step.name)
            world.log(f"{self.name} runs {step.name} for {world.names(orders)}", run.fault)
            world.network.enter(run, self)
            try:
                outcomes = await step.act(orders)
                # A step that asks nobody takes its time, too.
                await asyncio.sleep(world.random.uniform(0, 0.3))
                if not run.met:
                    outcomes = await self._meet_without_calls(run, step, orders, outcomes)
            finally:
                run.ended_at = world.loop.time()
            return outcomes

        return replace(step, act=act)

    async def _meet_without_calls(
        self,
        run: StepRun,
        step: Step[Order],
        orders: Sequence[Order],
        outcomes: Sequence[Outcome[Order] | TryAgain],
    ) -> Sequence[Outcome[Order] | TryAgain]:
        """
        Let the fault meet a step that only looks: it asked nobody.
        """
        if run.fault in {Fault.REFUSED, Fault.UNKNOWN}:
            return outcomes
        run.met = True
        self._world.chance.met(run.step, run.fault)
        await self.meet(run.fault)
        return await step.act(orders) if run.fault is Fault.TWICE else outcomes

    async def meet(self, fault: Fault) -> None:
        """
        Let *fault* happen to this process, here.
        """
        match fault:
            case Fault.CRASH_BEFORE | Fault.CRASH_AFTER:
                self.kill()
                await asyncio.Event().wait()
            case Fault.TIMEOUT_BEFORE | Fault.TIMEOUT_AFTER:
                if self._world.random.random() < 0.5:
                    await asyncio.Event().wait()
                raise TimeoutError("no answer")
            case Fault.FREEZE:
                self._frozen_until = self._world.loop.time() + FREEZE_SECONDS
            case Fault.COMMIT_LOST | Fault.COMMIT_UNHEARD:
                self._commit = fault
