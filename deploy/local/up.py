"""
Start the cluster, and wait until all of it is well.

Servers come from wheels; DATABASE_URL (an administrator's), NATS_URL and CACHE_URL name servers
of your own to use instead. Ports are free ones unless PG_PORT, NATS_PORT, CACHE_PORT, PSP_PORT,
PRODUCT_PORT, ORDER_PORT, PAYMENT_PORT, FULFILLMENT_PORT or PROVIDERS_PORT ask for certain ones.

PROVIDERS names the file that says which service providers are played; empty, none are.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from chassis.terminal import print_table
from deploy.local.cluster import Cluster, forget, read, to_json, write
from deploy.local.errors import StartFailed
from deploy.local.leftovers import clear_leftovers
from deploy.local.plan import make_plan
from deploy.local.processes import MARK, last_lines, open_log
from deploy.local.providers import asks_for_the_usual, played_by, with_providers
from deploy.local.state import exclusive
from deploy.local.topology import ROOT, WAYBILL, Topology
from deploy.providers.file import file_from

ALL_WELL_SECONDS = 100.0
BETWEEN_LOOKS_SECONDS = 0.05

Report = Callable[[str], None]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--replicas",
        type=replicas_from,
        metavar="N",
        default=os.environ.get("REPLICAS") or "1",
        help="processes per service (default: REPLICAS, or 1)",
    )
    parser.add_argument(
        "--nats-nodes",
        type=nats_nodes_from,
        metavar="N",
        default=os.environ.get("NATS_NODES") or "1",
        help="NATS servers, and copies of each stream, 1 or 3 (default: NATS_NODES, or 1)",
    )
    parser.add_argument("--json", action="store_true", help="print cluster.json when done")


def replicas_from(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"REPLICAS is a number from 1 on, not {text}")
    return int(text)


def nats_nodes_from(text: str) -> int:
    # Two cannot outvote one another, and more than three gain nothing here.
    if text not in ("1", "3"):
        raise ArgumentTypeError(f"NATS_NODES is 1 or 3, not {text}")
    return int(text)


async def run(arguments: Namespace) -> int:
    cluster = await bring_up(
        arguments.state,
        replicas=arguments.replicas,
        nats_nodes=arguments.nats_nodes,
        environ=with_providers(os.environ),
        report=silent if arguments.json else print,
    )
    if arguments.json:
        print(to_json(cluster).decode(), end="")
    else:
        show(cluster)
    return 0


async def bring_up(
    state: Path,
    *,
    topology: Topology = WAYBILL,
    replicas: int = 1,
    nats_nodes: int = 1,
    environ: Mapping[str, str] = os.environ,
    report: Report = print,
) -> Cluster:
    """
    Return the cluster that runs in *state*, started if need be.

    Raises:
        LocalError: It cannot be started. Nothing of it is left running.
    """
    began = time.monotonic()
    with exclusive(state):
        cluster = read(state)
        if cluster is not None and cluster.alive and cluster.phase == "running":
            report(already_running(cluster, replicas, nats_nodes, environ))
            return cluster
        try:
            # Perhaps somebody else's `up` was killed half-way: its supervisor goes on.
            if cluster is None or not cluster.alive or cluster.phase != "starting":
                await clear_the_ground(state, report)
                cluster = await make_plan(
                    state,
                    topology=topology,
                    replicas=replicas,
                    nats_nodes=nats_nodes,
                    environ=environ,
                )
                write(cluster)
                start_supervisor(state)
            return await all_well(state, report, began)
        except BaseException:
            # Failed or interrupted: all or nothing.
            await clear_leftovers(state)
            forget(state)
            raise


def already_running(
    cluster: Cluster, replicas: int, nats_nodes: int, environ: Mapping[str, str]
) -> str:
    answer = f"The cluster is running already, in {cluster.state}."
    played = played_by(cluster)
    # Who asks for the usual ones has asked for none in particular.
    wanted = played if asks_for_the_usual(environ) else file_from(environ)
    if (cluster.replicas, cluster.nats_nodes, played) == (replicas, nats_nodes, wanted):
        return answer
    return (
        f"{answer} It has REPLICAS={cluster.replicas} NATS_NODES={cluster.nats_nodes}"
        f" PROVIDERS={played or ''}: to have it otherwise, `make down` first."
    )


async def clear_the_ground(state: Path, report: Report) -> None:
    """
    Stop what an earlier run has left behind, and begin its logs anew.
    """
    if await clear_leftovers(state):
        report("An earlier run had left processes behind; they are stopped now.")
    shutil.rmtree(state / "logs", ignore_errors=True)
    (state / "traces").mkdir(exist_ok=True)


def start_supervisor(state: Path) -> None:
    with open_log(state / "logs" / "supervisor.log") as log:
        subprocess.run(
            [sys.executable, "-m", "deploy.local.supervisor", str(state)],
            env=os.environ | {MARK: str(state)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
        )


async def all_well(state: Path, report: Report, since: float) -> Cluster:
    """
    Follow the supervisor's record until the cluster runs, and return it.

    Raises:
        StartFailed: It will not.
    """
    reported = set[str]()
    while True:
        seconds = time.monotonic() - since
        cluster = read(state)
        if cluster is None:
            raise StartFailed("supervisor", "was stopped")
        jobs = [cluster.preparation] if cluster.preparation else []
        for process in (*cluster.servers, *jobs, *cluster.services, *cluster.actors):
            if process.condition == "healthy" and process.name not in reported:
                reported.add(process.name)
                report(f"  {process.name:<16} ready after {seconds:4.1f} s")
        if cluster.phase == "running":
            return cluster
        if cluster.failure is not None:
            raise explained(state, cluster.failure.process, cluster.failure.problem)
        died = cluster.supervisor is not None and not cluster.supervisor.alive
        if died and read(state) != cluster:
            continue  # It has said why meanwhile.
        if died or seconds > ALL_WELL_SECONDS:
            problem = "died" if died else f"does not come up in {ALL_WELL_SECONDS:g} s"
            raise explained(state, "supervisor", problem)
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)


def explained(state: Path, process: str, problem: str) -> StartFailed:
    log = state / "logs" / f"{process}.log"
    end = "\n".join(f"    {line}" for line in last_lines(log).splitlines())
    return StartFailed(
        process,
        f"{problem}. The end of its log says:\n\n{end}\n\n"
        f"All of it is in {log}. Put it right, and `make up` again; nothing is left running.",
    )


def show(cluster: Cluster) -> None:
    rows = [
        (
            each.name,
            each.address,
            each.environment.get("METRICS_ADDRESS", "-"),
            str(each.identity.pid if each.identity else "-"),
            str(each.log),
        )
        for each in cluster.processes
    ]
    print()
    print_table(("SERVICE", "ADDRESS", "METRICS", "PID", "LOG"), rows)
    print(f"\nEvery endpoint and password: {cluster.state / 'cluster.json'}")
    print("How it fares: make status. Its logs: make logs. Stop it: make down.")


def silent(_line: str) -> None:
    """
    Keep standard output for what a program reads.
    """
