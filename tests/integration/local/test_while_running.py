import asyncio

import pytest

from deploy.local.cluster import load
from deploy.local.down import bring_down
from deploy.local.errors import NotRunning
from deploy.local.while_running import while_running


async def test_work_is_done_to_its_end(up):
    async def work():
        return "done"

    assert await while_running(await up(), work()) == "done"


async def test_work_ends_when_the_cluster_is_stopped(up, state):
    cluster = await up()
    ended = asyncio.Event()

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
            # A last wish that nobody grants.
            await asyncio.Event().wait()

    working = asyncio.create_task(while_running(cluster, work()))
    await asyncio.sleep(0)
    await bring_down(state)

    async with asyncio.timeout(10):
        with pytest.raises(NotRunning, match="was stopped meanwhile"):
            await working
    assert ended.is_set()


async def test_work_on_a_cluster_does_not_go_on_with_its_successor(up, state):
    cluster = await up()
    await bring_down(state)
    await up()

    with pytest.raises(NotRunning, match="the same command goes on"):
        await while_running(cluster, asyncio.sleep(60))

    assert load(state).alive
