"""One process: how it is started, how it fares, how it is stopped."""

import asyncio
import os
import shutil
import signal
import time
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import psutil

from deploy.local.errors import CommandFailed, StartFailed
from deploy.local.health import problem_of
from deploy.local.topology import PYTHONPATH, ROOT, Command

# Every process of a cluster carries its state directory in this variable, so that it can be
# found even when the record of it is lost.
MARK = "WAYBILL_STATE"

BETWEEN_CHECKS_SECONDS = 0.05

Condition = Literal["waiting", "starting", "healthy", "restarting"]
Child = asyncio.subprocess.Process


@dataclass(frozen=True, slots=True)
class Identity:
    """
    A process that was started. Pids are used again, so the pid alone does not tell.
    """

    pid: int
    created: float

    @property
    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            # Not equal to the digit: the clock that it is derived from may be adjusted.
            return abs(process.create_time() - self.created) < 2 and is_alive(process)
        except psutil.NoSuchProcess:
            return False


def identify(pid: int) -> Identity | None:
    """
    Return who *pid* is, or None if it is gone.
    """
    try:
        return Identity(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """
    What is to run, and what is known of it while it runs.

    Attributes:
        name: Such as `postgres`, `nats-1` or `order-2`.
        role: The service it is a replica of, or `server`, or `actors` for who calls the services,
            or `job` for what ends by itself.
        address: Where it listens, as `host:port`.
        check: The URL that `health.problem_of` asks; empty for a job.
        environment: What it is told beyond what the cluster was started with.
        log: The file that takes all its output.
        stop: The signals that ask it to stop, the polite ones first. SIGKILL is the last.
        grace_seconds: How long each of these may take.
        since: When it was last started, as a Unix time.
        restarts: How often it was started again.
    """

    name: str
    role: str
    command: Command
    log: Path
    address: str = ""
    check: str = ""
    environment: dict[str, str] = field(default_factory=dict[str, str])
    stop: tuple[str, ...] = ("SIGTERM",)
    grace_seconds: float = 10
    identity: Identity | None = None
    condition: Condition = "waiting"
    since: float = 0
    restarts: int = 0


async def start(process: Process) -> Child:
    """
    Start *process*, with its output at the end of its log.
    """
    with open_log(process.log) as log:
        return await asyncio.create_subprocess_exec(
            *tethered(process.command, process.stop[0]),
            env=os.environ | process.environment,
            cwd=ROOT,
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
        )


async def stop(child: Child, process: Process) -> None:
    """
    Stop *child* politely, and if it does not listen, not politely.
    """
    for signum in (*process.stop, "SIGKILL"):
        if child.returncode is not None:
            return
        with suppress(ProcessLookupError):
            child.send_signal(signal.Signals[signum])
        with suppress(TimeoutError):
            async with asyncio.timeout(process.grace_seconds):
                await child.wait()


async def run_to_end(command: Command, *, env: Mapping[str, str]) -> None:
    """
    Run *command* until it ends by itself, its output among ours.

    Raises:
        CommandFailed: It ends badly.
    """
    child = await asyncio.create_subprocess_exec(
        *tethered(command, "SIGTERM"), env={"PYTHONPATH": PYTHONPATH, **env}, cwd=ROOT
    )
    if (code := await child.wait()) != 0:
        raise CommandFailed(f"`{Path(command[0]).name} {' '.join(command[1:])}` {ending(code)}")


async def healthy(process: Process) -> None:
    """
    Wait until *process* is well.
    """
    while True:
        if await problem_of(process.check) is None:
            return
        await asyncio.sleep(BETWEEN_CHECKS_SECONDS)


@asynccontextmanager
async def running(*processes: Process, seconds: float = 30) -> AsyncGenerator[list[Child]]:
    """
    Run *processes* for the length of the block, which begins once all of them are well.

    Raises:
        StartFailed: One of them ends, or is not well in time.
    """
    children: list[Child] = []
    try:
        for process in processes:
            children.append(await start(process))  # noqa: PERF401  a failure stops the earlier
        for process, child in zip(processes, children, strict=True):
            await healthy_or_ended(process, child, seconds)
        yield children
    finally:
        for process, child in zip(processes, children, strict=False):
            await stop(child, process)


async def healthy_or_ended(process: Process, child: Child, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            ended = tasks.create_task(raise_when_ended(process, child))
            await healthy(process)
            ended.cancel()
    except TimeoutError:
        raise StartFailed(process.name, f"is not well after {seconds:g} s") from None
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def raise_when_ended(process: Process, child: Child) -> None:
    code = await child.wait()
    problem = f"{ending(code)} instead of starting:\n{last_lines(process.log)}"
    raise StartFailed(process.name, problem)


def still_alive(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """
    Wait until *processes* have ended, or for *seconds*, and return those that have not.

    Unlike `psutil.wait_procs`, it does not wait for anyone to collect the dead: whoever has
    inherited them may take its time.
    """
    deadline = time.monotonic() + seconds
    while True:
        alive = [process for process in processes if is_alive(process)]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(BETWEEN_CHECKS_SECONDS)


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def ending(code: int) -> str:
    """
    Say how a process ended: `ended with status 1`, `was killed by SIGKILL`.
    """
    if code >= 0:
        return f"ended with status {code}"
    return f"was killed by {signal.Signals(-code).name}"


def last_lines(log: Path, count: int = 20) -> str:
    """
    Return the end of a log.
    """
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 400 * count))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
    return ""


def tethered(command: Command, signum: str) -> Command:
    """
    Return *command* so that the kernel sends it *signum* when whoever started it dies.

    Without `setpriv` (it comes with util-linux) it stays behind, and the next `up` clears it away.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return command
    return (setpriv, "--pdeathsig", signum.removeprefix("SIG"), "--", *command)


def open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")
