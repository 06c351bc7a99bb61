"""Running schedules, one a seed."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from services.order.domain.values import OrderId
from tests.simulation.checks import complaints
from tests.simulation.faults import Coverage, Fault
from tests.simulation.virtual_time import Deadlock, run_virtually
from tests.simulation.world import World

MakeWorld = Callable[..., World]


@dataclass(frozen=True, slots=True)
class Result:
    """
    What came of one schedule.

    Attributes:
        complaints: What was not as it must be; empty if all was.
        journal: What happened, with the second it happened at.
    """

    seed: int
    complaints: Sequence[str]
    journal: Sequence[tuple[float, str]]
    coverage: Coverage
    ends: Sequence[str]

    def story(self) -> str:
        """
        Return the whole schedule, to be read.
        """
        lines = [f"{at:14.3f}  {what}" for at, what in self.journal]
        return "\n".join([f"seed {self.seed}", *lines, *(f"!! {c}" for c in self.complaints)])


@dataclass(slots=True)
class Summary:
    coverage: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failed: list[Result] = field(default_factory=list)
    schedules: int = 0

    def not_met(self, steps: Iterable[str]) -> Sequence[str]:
        """
        Return the faults that met none of the schedules, for each of *steps*.
        """
        table = [(step, fault) for step in steps for fault in Fault]
        return [f"{step} × {fault}" for step, fault in table if not self.coverage[step, fault]]

    def add(self, result: Result) -> None:
        self.schedules += 1
        self.coverage.update(result.coverage)
        self.ends.update(result.ends)
        if result.complaints:
            self.failed.append(result)


def run_seed(seed: int, make_world: MakeWorld = World) -> Result:
    """
    Return what comes of the schedule that *seed* decides; the same every time.
    """
    # The pauses of retries are drawn from the one that all share.
    state = random.getstate()
    random.seed(seed)
    try:
        return run_virtually(_run(seed, make_world))
    finally:
        random.setstate(state)


async def _run(seed: int, make_world: MakeWorld) -> Result:
    world = make_world(seed, asyncio.get_running_loop())
    try:
        await world.live()
        found = complaints(world)
    except Deadlock as error:
        found = [str(error)]
    return Result(
        seed=seed,
        complaints=found,
        journal=world.journal,
        coverage=world.chance.coverage,
        ends=[_end(world, order_id) for order_id in world.placed],
    )


def _end(world: World, order_id: OrderId) -> str:
    order = world.memory.order(order_id)
    row = world.memory.sagas.get(order_id)
    return f"{order.status} {row.waits_for if row else order.reason or ''}".strip()


def run_seeds(seeds: Iterable[int], make_world: MakeWorld = World) -> Summary:
    """
    Run a schedule for each of *seeds*.
    """
    logging.getLogger("chassis.saga").setLevel(logging.CRITICAL)
    summary = Summary()
    for seed in seeds:
        summary.add(run_seed(seed, make_world))
    return summary
