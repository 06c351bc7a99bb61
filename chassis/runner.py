"""How every service starts, runs and stops."""

import asyncio
import gc
import logging
import signal
from collections.abc import Coroutine, Sequence
from typing import Any

from chassis.rpc.server import Server

log = logging.getLogger(__name__)

BETWEEN_CANCELS_SECONDS = 1.0


def tame_garbage_collector() -> None:
    """
    Leave alone what was loaded at the start, and look at the rest less often.

    A batch makes tens of thousands of objects and soon drops them: with the usual thresholds a
    quarter of a service's CPU went into looking through everything for cycles (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def run_until_stopped(server: Server | None, *jobs: Coroutine[Any, Any, None]) -> None:
    """
    Run *server* and *jobs* together until SIGTERM or SIGINT; if a job dies, all stop, and whoever
    supervises the process starts it anew.

    At the end the server drains first, while the jobs still serve the calls at work.
    """
    stopped = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in jobs]
        if server:
            await server.start()
        tame_garbage_collector()
        log.info("started")
        try:
            await stopped.wait()
        finally:
            if server:
                await server.stop()
            await end(running)
    log.info("stopped")


async def end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """
    Cancel *tasks* until they have ended.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, and so NATS's client, loses a
    cancellation that comes together with what it waits for.
    """
    while going_on := [task for task in tasks if not task.done()]:
        for task in going_on:
            task.cancel()
        await asyncio.wait(going_on, timeout=BETWEEN_CANCELS_SECONDS)
