"""What to start, where, and how it all finds each other: decided before anything starts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deploy.local.cluster import Cluster
from deploy.local.databases import service_database
from deploy.local.initdb import initialize
from deploy.local.nats_server import nats_processes
from deploy.local.nats_server import url_of as nats_url_of
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import admin_url_of, postgres_process
from deploy.local.processes import Process
from deploy.local.providers import providers_process
from deploy.local.psp_process import MERCHANT, psp_at, psp_process
from deploy.local.services import (
    service_addresses,
    service_processes,
    targets_of,
)
from deploy.local.topology import PYTHONPATH, Topology
from deploy.local.valkey import url_of as cache_url_of
from deploy.local.valkey import valkey_process
from deploy.providers.file import file_from, read_cast

# All services, one process each, with their pools full.
CONNECTIONS_PER_REPLICA = 60

Planned = tuple[list[Process], str]


async def make_plan(
    state: Path, *, topology: Topology, replicas: int, nats_nodes: int, environ: Mapping[str, str]
) -> Cluster:
    """
    Plan a cluster, and make what must be there before it starts: directories, configurations,
    an empty database.

    Servers that *environ* names are used, not started.

    Raises:
        LocalError: It cannot be had; the message says why.
    """
    ports = Ports(environ)
    # What the user may ask for comes before what we choose, so that the two never meet.
    addresses = service_addresses(topology, replicas, ports)
    metrics = service_addresses(topology, replicas, ports, variable="{service}_METRICS_PORT")
    webhooks = webhook_addresses(topology, replicas, ports)
    psp_address = f"{HOST}:{ports.take('PSP_PORT')}"
    postgres, admin_url = await plan_postgres(
        state, environ.get("DATABASE_URL", ""), ports, replicas
    )
    valkey, cache_url = plan_valkey(state, environ.get("CACHE_URL", ""), ports)
    nats, nats_url = plan_nats(state, environ.get("NATS_URL", ""), ports, nats_nodes)

    cluster = Cluster(
        state=state,
        replicas=replicas,
        nats_nodes=nats_nodes,
        admin_url=admin_url,
        databases={name: service_database(admin_url, name) for name in topology.contexts},
        nats_url=nats_url,
        cache_url=cache_url,
        targets=targets_of(addresses),
        psp=psp_at(psp_address, admin_url) if topology.psp else None,
        preparation=plan_preparation(state, topology),
    )
    services = service_processes(cluster, topology, addresses, metrics, webhooks)
    if cluster.psp:
        logs = state / "logs"
        services.insert(0, psp_process(cluster.psp, topology.psp, webhooks=webhooks, logs=logs))
    actors = plan_providers(cluster, environ, ports)
    return replace(cluster, processes=(*postgres, *nats, *valkey, *services, *actors))


def webhook_addresses(topology: Topology, replicas: int, ports: Ports) -> tuple[str, ...]:
    """
    Choose where the replicas of the PSP's merchant listen to it.
    """
    if not topology.psp:
        return ()
    merchants = replace(topology, contexts=(MERCHANT,))
    return service_addresses(merchants, replicas, ports, variable="{service}_WEBHOOK_PORT")[
        MERCHANT
    ]


async def plan_postgres(state: Path, url: str, ports: Ports, replicas: int) -> Planned:
    if url:
        return [], url
    data = state / "data" / "postgres"
    port = ports.take("PG_PORT")
    await initialize(data)
    process = postgres_process(
        data,
        port=port,
        log=state / "logs" / "postgres.log",
        settings={"max_connections": str(60 + CONNECTIONS_PER_REPLICA * replicas)},
    )
    return [process], admin_url_of(data, process)


def plan_nats(state: Path, url: str, ports: Ports, nodes: int) -> Planned:
    if url:
        return [], url
    processes = nats_processes(state / "data", nodes=nodes, ports=ports, logs=state / "logs")
    return processes, nats_url_of(processes)


def plan_valkey(state: Path, url: str, ports: Ports) -> Planned:
    if url:
        return [], url
    process = valkey_process(
        state / "data", port=ports.take("CACHE_PORT"), log=state / "logs" / "valkey.log"
    )
    return [process], cache_url_of(process)


def plan_providers(cluster: Cluster, environ: Mapping[str, str], ports: Ports) -> Sequence[Process]:
    """
    Plan who plays the service providers, if a file says who there are.
    """
    file = file_from(environ)
    if file is None:
        return []
    read_cast(file)  # What is wrong with it is better said now than by a process that dies.
    address = f"{HOST}:{ports.take('PROVIDERS_PORT')}"
    target = cluster.targets["fulfillment"]
    return [providers_process(file, target, address, cluster.state / "logs")]


def plan_preparation(state: Path, topology: Topology) -> Process | None:
    if not topology.preparation:
        return None
    return Process(
        name="provision",
        role="job",
        command=(*topology.preparation, str(state)),
        environment={"PYTHONPATH": PYTHONPATH},
        log=state / "logs" / "provision.log",
    )
