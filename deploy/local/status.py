"""Show how every process of the cluster fares. Ends with 0 only if all are well."""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

import psutil

from chassis.terminal import print_table
from deploy.local.cluster import Cluster, load, to_json
from deploy.local.health import problem_of
from deploy.local.processes import Identity, Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    How one process fares.

    Attributes:
        problem: What is wrong with it; None if it is well.
        uptime_seconds: Since it was last started.
        memory_bytes: Its share of the memory, with its children's: what it would give back.
    """

    name: str
    problem: str | None
    address: str
    pid: int | None
    restarts: int
    uptime_seconds: float
    memory_bytes: int


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a list of objects")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    statuses = await status_of(cluster)
    if arguments.json:
        print(to_json(statuses).decode(), end="")
    else:
        show(cluster, statuses)
    all_well = cluster.phase == "running" and not any(status.problem for status in statuses)
    return 0 if all_well else 1


async def status_of(cluster: Cluster) -> list[Status]:
    """
    Ask every process of *cluster* how it is, all at once.
    """
    async with asyncio.TaskGroup() as tasks:
        asked = [
            (process, tasks.create_task(problem_with(process))) for process in cluster.processes
        ]
    return [status(process, answer.result()) for process, answer in asked]


async def problem_with(process: Process) -> str | None:
    if process.identity is None or not process.identity.alive:
        return "is not running" if process.restarts == 0 else "has died, will be started again"
    return await problem_of(process.check)


def status(process: Process, problem: str | None) -> Status:
    identity = process.identity
    return Status(
        name=process.name,
        problem=problem,
        address=process.address,
        pid=identity.pid if identity else None,
        restarts=process.restarts,
        uptime_seconds=round(time.time() - process.since, 1) if identity else 0,
        memory_bytes=memory_of(identity) if identity else 0,
    )


def memory_of(identity: Identity, *, with_children: bool = True) -> int:
    """
    Return the proportional set size of a process, and of its children.
    """
    try:
        process = psutil.Process(identity.pid)
        children = process.children(recursive=True) if with_children else []
        return sum(map(share_of, [process, *children]))
    except psutil.Error:
        return 0


def share_of(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
        # Only Linux knows shares; elsewhere shared memory is counted several times.
        return int(getattr(memory, "pss", memory.rss))
    except psutil.Error:
        return 0


def show(cluster: Cluster, statuses: list[Status]) -> None:
    print_table(
        ("PROCESS", "HEALTH", "ADDRESS", "PID", "RESTARTS", "UPTIME", "MEMORY"),
        [
            (
                each.name,
                each.problem or "healthy",
                each.address,
                str(each.pid or "-"),
                str(each.restarts),
                duration(each.uptime_seconds),
                megabytes(each.memory_bytes),
            )
            for each in statuses
        ],
    )
    # Everyone is a child of the supervisor.
    identity = cluster.supervisor
    supervisor = memory_of(identity, with_children=False) if identity else 0
    total = supervisor + sum(each.memory_bytes for each in statuses)
    print(
        f"\nMemory in all: {megabytes(total)}, the supervisor's {megabytes(supervisor)} included."
    )
    if cluster.phase != "running":
        print(f"The cluster is {cluster.phase}.")


def megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"


def duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
