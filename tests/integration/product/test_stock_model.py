"""Stock agrees with a plain model of it, whatever happens in whatever order; on PostgreSQL."""

import asyncio
from itertools import count

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stock_model import Machine, Service

HOW = settings(
    max_examples=40,
    stateful_step_count=30,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


class World:
    """
    Two replicas that are asked in turn.
    """

    def __init__(self, replicas, clock):
        self._replicas, self.clock = replicas, clock
        self._turn = count()

    def uow(self):
        return self._replicas[next(self._turn) % 2].uow()

    def wait(self, **duration):
        self.clock.wait(**duration)


async def test_the_service_agrees_with_the_model(replica, replicas, clock):
    loop = asyncio.get_running_loop()
    # SKUs, locations and ids of its own for every example: they share one database.
    tags = count(1)

    class OnPostgres(Machine):
        def service(self):
            def run(coroutine):
                return asyncio.run_coroutine_threadsafe(coroutine, loop).result(timeout=30)

            return Service(run, World(replicas, clock), next(tags))

    await asyncio.to_thread(run_state_machine_as_test, OnPostgres, settings=HOW)

    await replica.assert_balanced()
