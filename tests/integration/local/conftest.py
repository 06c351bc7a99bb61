"""A cluster of stub services, and what it takes to watch it."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from deploy.local.cluster import Cluster, load
from deploy.local.down import bring_down
from deploy.local.status import status_of
from deploy.local.topology import Topology
from deploy.local.up import bring_up, silent

STUB = (sys.executable, str(Path(__file__).with_name("stub_service.py")), "{service}")

# Named, so that none are started. The stubs never use them.
SERVERS_OF_OUR_OWN = {
    "DATABASE_URL": "postgresql://admin:secret@127.0.0.1:1/postgres",
    "NATS_URL": "nats://127.0.0.1:1",
    "CACHE_URL": "redis://127.0.0.1:1/0",
}

Up = Callable[..., Awaitable[Cluster]]


@pytest.fixture
def topology() -> Topology:
    return Topology(contexts=("product", "order"), listeners={}, service=STUB)


@pytest.fixture
async def state(tmp_path: Path) -> AsyncGenerator[Path]:
    state = tmp_path / "run"
    yield state
    await bring_down(state)


@pytest.fixture
def up(state: Path, topology: Topology) -> Up:
    """
    Bring up the stubs alone: `await up()`.
    """
    return partial(bring_up, state, topology=topology, environ=SERVERS_OF_OUR_OWN, report=silent)


@pytest.fixture
def up_with_servers(state: Path, topology: Topology) -> Up:
    """
    Bring up the stubs on real servers: `await up_with_servers()`.
    """
    return partial(bring_up, state, topology=topology, environ={}, report=silent)


@pytest.fixture
def recovery(state: Path) -> Callable[[str, int], Awaitable[Cluster]]:
    """
    Wait until a process has been started again so often and all are well:
    `await recovery("order-1", 1)`.
    """

    async def wait(name: str, restarts: int) -> Cluster:
        async with asyncio.timeout(10):
            while True:
                cluster = load(state)
                back = cluster.process(name).restarts == restarts
                if back and not any(each.problem for each in await status_of(cluster)):
                    return cluster
                await asyncio.sleep(0.02)

    return wait
