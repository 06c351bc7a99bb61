"""The services: what each replica is told, through its environment."""

from collections.abc import Sequence

from deploy.local.cluster import Cluster
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Process
from deploy.local.psp_process import MERCHANT, merchant_settings
from deploy.local.topology import PYTHONPATH, Topology

GRPC_EXPERIMENTS = "-event_engine_listener,-event_engine_client"

Addresses = dict[str, tuple[str, ...]]


def service_addresses(
    topology: Topology, replicas: int, ports: Ports, *, variable: str = "{service}_PORT"
) -> Addresses:
    """
    Choose where each replica of each service listens.

    Args:
        variable: Where the user may ask for the port of the first one.
    """
    return {
        service: tuple(
            f"{HOST}:{ports.take(variable.format(service=service.upper()), number)}"
            for number in range(1, replicas + 1)
        )
        for service in topology.contexts
    }


def targets_of(addresses: Addresses) -> dict[str, str]:
    """
    Return each service's gRPC target: all of its replicas, for the client to balance over.
    """
    return {service: f"ipv4:{','.join(replicas)}" for service, replicas in addresses.items()}


def service_processes(
    cluster: Cluster,
    topology: Topology,
    addresses: Addresses,
    metrics: Addresses,
    webhooks: Sequence[str],
) -> list[Process]:
    """
    Return a process for every replica of every service of *cluster*.

    Args:
        webhooks: Where each replica of the PSP's merchant listens to it.
    """
    targets = {f"{name.upper()}_TARGET": target for name, target in cluster.targets.items()}
    return [
        Process(
            name=(instance := f"{service}-{number}"),
            role=service,
            command=topology.command_of(service),
            address=address,
            check=f"grpc://{address}",
            log=cluster.state / "logs" / f"{instance}.log",
            environment={
                "DATABASE_URL": cluster.databases[service].app,
                "NATS_URL": cluster.nats_url,
                "CACHE_URL": cluster.cache_url,
                "GRPC_ADDRESS": address,
                "METRICS_ADDRESS": metrics[service][number - 1],
                **targets,
                **(
                    merchant_settings(cluster.psp, webhooks[number - 1])
                    if cluster.psp and service == MERCHANT
                    else {}
                ),
                "INSTANCE": instance,
                "TRACES_FILE": str(cluster.state / "traces" / f"{instance}.jsonl"),
                "GRPC_REFLECTION": "1",
                "PYTHONPATH": PYTHONPATH,
                # Its event engine costs a third of all calls a second. ADR-0013.
                "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS,
                # One heap for all threads: less memory, and no slower under one event loop.
                "MALLOC_ARENA_MAX": "2",
            },
        )
        for service, replicas in addresses.items()
        for number, address in enumerate(replicas, start=1)
    ]
