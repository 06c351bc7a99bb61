"""
Some hundreds of schedules of the saga bench (tests/simulation); `make saga-bench` runs thousands.
"""

import asyncio
from itertools import count, islice

import pytest

from tests.simulation.faults import Chance
from tests.simulation.fulfillment import DAY, Ways
from tests.simulation.mistakes import MISTAKES
from tests.simulation.process import Process
from tests.simulation.run import run_seed, run_seeds
from tests.simulation.world import END_SECONDS, Outage, World

SCHEDULES = 400
# Each mistake is caught within so many schedules; most by the first.
MOST_SCHEDULES = 400


@pytest.fixture(scope="module")
def summary():
    return run_seeds(range(SCHEDULES))


def test_whatever_goes_wrong_every_order_ends_as_it_may(summary):
    assert not summary.failed, summary.failed[0].story()


def test_every_step_meets_every_fault(summary):
    steps = [step.name for step in World(0, None).steps()]

    assert summary.not_met(steps) == []


def test_orders_end_in_every_way_there_is(summary):
    ends = " ".join(summary.ends)

    for word in (
        *("COMPLETED", "OUT_OF_STOCK", "PAYMENT_DECLINED", "RESERVATION_EXPIRED"),
        *("UNFULFILLABLE", "DEADLINE_PASSED", "OPERATOR_REQUEST", "PLACED carrier"),
        "AUTHORIZATION_EXPIRED",
    ):
        assert word in ends, word


def test_a_seed_tells_the_same_story_every_time():
    assert run_seed(7).story() == run_seed(7).story()
    assert run_seed(7).story() != run_seed(8).story()


@pytest.mark.parametrize("who", ["product", "payment", "fulfillment"])
@pytest.mark.parametrize(("ways", "begins"), [(Ways.PROMPT, 0), (Ways.NEVER, 7 * DAY - 60)])
def test_who_is_away_for_minutes_delays_an_order_and_breaks_nothing(who, ways, begins):
    class Calm(World):
        async def live(self):
            self.chance = Chance(left=0)
            self.outages.append(Outage(who, begins, begins + 400))
            Process(self, "order-1").start()
            await self.place(1, ways)
            await asyncio.sleep(END_SECONDS)

    result = run_seed(1, Calm)

    assert result.complaints == []
    assert result.ends == ["COMPLETED" if ways is Ways.PROMPT else "CANCELLED DEADLINE_PASSED"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_planted_mistake_is_caught(mistake):
    results = (run_seed(seed, mistake) for seed in islice(count(), MOST_SCHEDULES))

    assert any(result.complaints for result in results)
