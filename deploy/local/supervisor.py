"""
The supervisor: starts a cluster in order, keeps it running, and stops it in reverse.

`python -m deploy.local.supervisor STATE` runs what the record in STATE plans, until SIGTERM.
It stays as long as the cluster does, so it imports little.

A process that dies is started again, on the same port. One that lives but does not answer is
left alone: it may only be slow, and `status` shows it.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.cluster import Cluster, Failure, forget, read, write
from deploy.local.errors import StartFailed
from deploy.local.processes import (
    Child,
    Process,
    ending,
    healthy,
    identify,
    start,
    stop,
)

FIRST_PAUSE_SECONDS = 0.2
# Others wait for it meanwhile: no longer than a start takes.
LONGEST_PAUSE_SECONDS = 2.0
# Whoever has been well for so long gets a fresh start when it dies.
FORGIVEN_AFTER_SECONDS = 10.0
# Whoever has not once been well and dies so often never will be.
DEATHS_BEFORE_HEALTH = 3
START_SECONDS = 95.0


class Supervisor:
    """
    Runs one cluster and keeps its record.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def run(self) -> None:
        """
        Run the cluster until cancelled.

        Raises:
            StartFailed: It does not come up (in a group, as task groups do). Nothing is left
                running.
        """
        self.update(supervisor=identify(os.getpid()))
        try:
            async with asyncio.timeout(START_SECONDS) as starting:
                async with self._kept_running(self._cluster.servers):
                    await self._prepare()
                    async with (
                        self._kept_running(self._cluster.services),
                        self._kept_running(self._cluster.actors),
                    ):
                        starting.reschedule(None)
                        self.update(phase="running")
                        await asyncio.Event().wait()
        except TimeoutError:
            raise StartFailed(self._late(), f"is not well after {START_SECONDS:g} s") from None

    def _late(self) -> str:
        """
        Name who has kept the others waiting.
        """
        jobs = [self._cluster.preparation] if self._cluster.preparation else []
        cluster = self._cluster
        order = (*cluster.servers, *jobs, *cluster.services, *cluster.actors)
        return next((each.name for each in order if each.condition != "healthy"), "supervisor")

    def update(self, **changes: Any) -> None:
        """
        Note in the record what has changed about the cluster.
        """
        self._cluster = replace(self._cluster, **changes)
        # A full disk is no reason to stop what runs; the next change is written again.
        with suppress(OSError):
            write(self._cluster)

    @asynccontextmanager
    async def _kept_running(self, processes: Sequence[Process]) -> AsyncGenerator[None]:
        """
        Keep *processes* running for the length of the block, which begins when all are well.
        """
        async with asyncio.TaskGroup() as tasks:
            well = [asyncio.Event() for _ in processes]
            keepers = [
                tasks.create_task(self._keep(process.name, event))
                for process, event in zip(processes, well, strict=True)
            ]
            try:
                for event in well:
                    await event.wait()
                yield
            finally:
                for keeper in keepers:
                    keeper.cancel()

    async def _keep(self, name: str, well: asyncio.Event) -> None:
        """
        Start a process, and start it again when it ends.

        Raises:
            StartFailed: It ends again and again without having been well once.
        """
        pause, deaths = FIRST_PAUSE_SECONDS, 0
        while True:
            code, healthy_seconds = await self._run_once(name, well)
            deaths += 1
            if deaths >= DEATHS_BEFORE_HEALTH and not well.is_set():
                raise StartFailed(name, f"{ending(code)}, {deaths} times in a row")
            if healthy_seconds > FORGIVEN_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            say(f"{name} {ending(code)}; starting it again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _run_once(self, name: str, well: asyncio.Event) -> tuple[int, float]:
        """
        Start a process and wait for its end; say how it ended and how long it was well.
        """
        process = self._cluster.process(name)
        child = await start(process)
        try:
            self._note(name, identity=identify(child.pid), since=time.time(), condition="starting")
            is_well = await well_before_its_end(process, child)
            since = time.monotonic()
            if is_well:
                self._note(name, condition="healthy")
                well.set()
            code = await child.wait()
            self._note(name, condition="restarting", identity=None, restarts=process.restarts + 1)
            return code, time.monotonic() - since if is_well else 0.0
        finally:
            if child.returncode is None:
                await stop(child, process)
                self._note(name, identity=None)

    async def _prepare(self) -> None:
        """
        Make the servers ready for the services.

        Raises:
            StartFailed: It cannot be done.
        """
        job = self._cluster.preparation
        if job is None:
            return
        child = await start(job)
        try:
            self.update(preparation=replace(job, condition="starting"))
            code = await child.wait()
        finally:
            await stop(child, job)
        if code != 0:
            raise StartFailed(job.name, ending(code))
        self.update(preparation=replace(job, condition="healthy"))

    def _note(self, name: str, **changes: Any) -> None:
        self.update(
            processes=tuple(
                replace(process, **changes) if process.name == name else process
                for process in self._cluster.processes
            )
        )


async def well_before_its_end(process: Process, child: Child) -> bool:
    """
    Wait until *process* is well or has ended, and say whether it is well.
    """
    async with asyncio.TaskGroup() as tasks:
        ended = tasks.create_task(child.wait())
        recovered = tasks.create_task(healthy(process))
        await asyncio.wait((ended, recovered), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        recovered.cancel()
    # Alive as well: the port may answer for a stranger while ours dies for lack of it.
    return child.returncode is None


async def supervise(state: Path) -> int:
    """
    Run the cluster that the record in *state* plans until SIGTERM; return the exit status.
    """
    cluster = read(state)
    if cluster is None:
        say(f"there is no plan in {state}")
        return 1
    supervisor = Supervisor(cluster)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            run = tasks.create_task(supervisor.run())
            await stopped.wait()
            supervisor.update(phase="stopping")
            run.cancel()
    except* StartFailed as group:
        failed = first_of(group)
        say(str(failed))
        supervisor.update(phase="failed", failure=Failure(failed.process, failed.problem))
        status = 1
    else:
        forget(state)
        status = 0
    return status


def first_of(group: BaseExceptionGroup[StartFailed]) -> StartFailed:
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else first


def say(message: str) -> None:
    with suppress(OSError):
        print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {message}", flush=True)


def detach() -> None:
    """
    Go on in a process that no terminal and no parent waits for.
    """
    if os.fork():
        os._exit(0)
    os.setsid()


if __name__ == "__main__":
    detach()
    sys.exit(asyncio.run(supervise(Path(sys.argv[1]))))
