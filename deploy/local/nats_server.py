"""NATS with JetStream: one node, or a cluster of three."""

import json
import shutil
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local.errors import ServerMissing
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Process, running

# `sync_interval: always` makes an acknowledged message survive a power cut. (Durations are to be
# quoted: unquoted, NATS takes 2m for the number 2,000,000.) `max_file` is no more than a ceiling,
# but the `max_bytes` of all streams must fit under it.
CONFIGURATION = """\
server_name: {name}
listen: "{host}:{port}"
http: "{host}:{monitor}"
max_payload: 1MB
jetstream {{
    store_dir: {store}
    max_mem: 64MB
    max_file: 64GB
    sync_interval: "always"
}}
"""

CLUSTER = """\
cluster {{
    name: waybill
    listen: "{host}:{route}"
    routes: [{routes}]
}}
"""


def nats_processes(directory: Path, *, nodes: int, ports: Ports, logs: Path) -> list[Process]:
    """
    Write the configuration of *nodes* NATS servers into *directory*; return their processes.
    """
    server = find_nats_server()
    directory.mkdir(parents=True, exist_ok=True)
    clients = [ports.take("NATS_PORT", number) for number in range(1, nodes + 1)]
    routes = [ports.take() for _ in clients]
    processes = []
    for number, (port, route) in enumerate(zip(clients, routes, strict=True), start=1):
        name, monitor = f"nats-{number}", ports.take()
        # A lone node and a member of a cluster cannot read each other's streams.
        store = directory / (name if nodes == 1 else f"{name}-of-{nodes}")
        text = CONFIGURATION.format(
            name=name,
            host=HOST,
            port=port,
            monitor=monitor,
            store=json.dumps(str(store)),
        )
        if nodes > 1:
            text += CLUSTER.format(
                host=HOST,
                route=route,
                routes=", ".join(f'"nats://{HOST}:{each}"' for each in routes),
            )
        configuration = directory / f"{name}.conf"
        configuration.write_text(text)
        processes.append(
            Process(
                name=name,
                role="server",
                command=(str(server), "-c", str(configuration)),
                log=logs / f"{name}.log",
                address=f"{HOST}:{port}",
                check=f"http://{HOST}:{monitor}/healthz",
                # Collect garbage sooner rather than grow: the machine is a laptop.
                environment={"GOMEMLIMIT": "96MiB"},
            )
        )
    return processes


def url_of(processes: Sequence[Process]) -> str:
    return ",".join(f"nats://{process.address}" for process in processes)


@asynccontextmanager
async def nats(
    directory: Path, *, nodes: int = 1, ports: Ports | None = None
) -> AsyncGenerator[str]:
    """
    Run NATS with its data in *directory* for the length of the block, and give its URL
    (several, with commas between them, for several nodes).
    """
    processes = nats_processes(directory, nodes=nodes, ports=ports or Ports({}), logs=directory)
    async with running(*processes):
        yield url_of(processes)


def find_nats_server() -> Path:
    """
    Raises:
        ServerMissing: The wheel is not installed.
    """
    # The wheel puts the program beside Python; a system's own may be too old to be trusted.
    beside = Path(sys.executable).parent
    found = shutil.which("nats-server", path=str(beside)) or shutil.which("nats-server")
    if found is None:
        raise ServerMissing("nats-server is not installed: run `make setup`, or set NATS_URL")
    return Path(found)
