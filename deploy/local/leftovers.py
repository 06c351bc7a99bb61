"""What an earlier run left behind: found by what we know of it, never by name, and stopped."""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.cluster import Cluster, read
from deploy.local.errors import StateUnreadable
from deploy.local.postgres import works_in
from deploy.local.processes import MARK, Identity, still_alive

# A supervisor stops all it has started, and some of that takes its time.
SUPERVISOR_SECONDS = 45.0
POLITE_SECONDS = 10.0


async def clear_leftovers(state: Path) -> bool:
    """
    Stop every process of the cluster in *state*, and say whether there were any.
    """
    return await asyncio.to_thread(_clear_leftovers, state)


def _clear_leftovers(state: Path) -> bool:
    found = find_leftovers(state)
    # The supervisor first: it would start the others again.
    _end((each for each in found if is_supervisor(each)), SUPERVISOR_SECONDS)
    _end(find_leftovers(state), POLITE_SECONDS)
    return bool(found)


def find_leftovers(state: Path) -> list[psutil.Process]:
    """
    Return the processes of the cluster in *state*: those in its record, those that carry its
    mark, and PostgreSQL's sessions, which work in its data directory.
    """
    recorded = recorded_in(state)
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid()
        and (
            any(each.pid == process.pid and each.alive for each in recorded)
            or carries_mark(process, state)
            or works_in(process, state / "data" / "postgres")
        )
    ]


def recorded_in(state: Path) -> list[Identity]:
    try:
        cluster = read(state)
    except StateUnreadable:
        return []
    return identities(cluster) if cluster else []


def identities(cluster: Cluster) -> list[Identity]:
    everyone = [cluster.supervisor, *(process.identity for process in cluster.processes)]
    return [identity for identity in everyone if identity is not None]


def carries_mark(process: psutil.Process, state: Path) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(state))
    except psutil.Error:
        return False


def is_supervisor(process: psutil.Process) -> bool:
    try:
        return "deploy.local.supervisor" in process.cmdline()
    except psutil.Error:
        return False


def _end(processes: Iterable[psutil.Process], seconds: float) -> None:
    waiting = list(processes)
    for process in waiting:
        # On SIGTERM PostgreSQL waits for its clients to leave; on SIGINT it sends them away.
        send(process, signal.SIGINT if is_postgres(process) else signal.SIGTERM)
    waiting = still_alive(waiting, seconds)
    for process in waiting:
        send(process, signal.SIGKILL)
    still_alive(waiting, seconds)


def is_postgres(process: psutil.Process) -> bool:
    try:
        return bool(process.name() == "postgres")
    except psutil.Error:
        return False


def send(process: psutil.Process, signum: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signum)
