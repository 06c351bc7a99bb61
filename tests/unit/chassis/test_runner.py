import asyncio
from contextlib import suppress

from chassis import runner
from chassis.runner import end


async def test_a_job_that_overhears_that_it_is_to_end_is_told_again(monkeypatch):
    monkeypatch.setattr(runner, "BETWEEN_CANCELS_SECONDS", 0.01)

    async def job():
        # As `asyncio.wait_for` does when what it waits for arrives at the same moment.
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(job())
    await asyncio.sleep(0)

    async with asyncio.timeout(2):
        await end([task])

    assert task.cancelled()
