"""The simulated providers of a cluster: a process that plays whom a file names."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.cluster import ACTORS, Cluster
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Process, running
from deploy.local.topology import PYTHONPATH
from deploy.local.world.patience import Patience
from deploy.local.world.services import services_of
from deploy.providers.file import DEFAULT_FILE, read_cast
from deploy.providers.provider import Provider, retire

COMMAND = (sys.executable, "-m", "deploy.providers")

Retire = Callable[[], Awaitable[None]]


def with_providers(environ: Mapping[str, str]) -> Mapping[str, str]:
    """
    Return *environ* with the usual providers, unless it names others or, by nothing, none.
    """
    return {"PROVIDERS": str(DEFAULT_FILE), **environ}


def asks_for_the_usual(environ: Mapping[str, str]) -> bool:
    """
    Return whether *environ* says nothing of providers, or has the usual ones by `with_providers`.
    """
    return environ.get("PROVIDERS", str(DEFAULT_FILE)) == str(DEFAULT_FILE)


def played_by(cluster: Cluster) -> Path | None:
    """
    Return the file that says who plays in *cluster*; none if nobody does.
    """
    return next((Path(each.environment["PROVIDERS_FILE"]) for each in cluster.actors), None)


@asynccontextmanager
async def providers_at_work(cluster: Cluster) -> AsyncGenerator[Retire]:
    """
    See to it that providers are at work for the length of the block: those of *cluster*, or else
    the usual ones. Yields what has no more offers made to them, if they were here for the block
    alone: call it unless work of theirs is left to be taken up.
    """

    async def stay() -> None:
        """Go on: they are the cluster's."""

    if cluster.actors:
        yield stay
        return

    async def leave() -> None:
        async with services_of(cluster) as services:
            cast = read_cast(DEFAULT_FILE)
            await retire([Provider(each, services, Patience()) for each in cast.characters])

    address = f"{HOST}:{Ports({}).take()}"
    target = cluster.targets["fulfillment"]
    async with running(providers_process(DEFAULT_FILE, target, address, cluster.state / "logs")):
        yield leave


def providers_process(file: Path, target: str, address: str, logs: Path) -> Process:
    """
    Args:
        target: The fulfillment service's.
        address: Where it says how it is.
    """
    return Process(
        name="providers",
        role=ACTORS,
        command=COMMAND,
        address=address,
        check=f"http://{address}/",
        log=logs / "providers.log",
        environment={
            "FULFILLMENT_TARGET": target,
            "PROVIDERS_FILE": str(file),
            "PROVIDERS_ADDRESS": address,
            "PYTHONPATH": PYTHONPATH,
            "MALLOC_ARENA_MAX": "2",
        },
    )
