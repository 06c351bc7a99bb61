"""Servers of the bench's own, and replicas of the product service on them."""

import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local.databases import ServiceDatabase, asyncpg_url
from deploy.local.nats_server import nats
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import postgres
from deploy.local.processes import Child, Process, run_to_end, running
from deploy.local.provision import provision_database, provision_streams
from deploy.local.services import GRPC_EXPERIMENTS
from deploy.local.topology import PYTHONPATH
from deploy.local.valkey import valkey

# So that statements can be counted.
COUNTING = {"shared_preload_libraries": "pg_stat_statements"}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """
    An empty product database, and the servers that the product service needs beside it.
    """

    home: Path
    ports: Ports
    database: ServiceDatabase
    nats_url: str
    cache_url: str

    def replica(self, name: str, *, roles: str) -> Process:
        """
        Return a process of the product service, to be run.
        """
        address = f"{HOST}:{self.ports.take()}"
        return Process(
            name=name,
            role="product",
            command=(sys.executable, "-m", "services.product"),
            address=address,
            check=f"grpc://{address}",
            log=self.home / f"{name}.log",
            environment={
                "DATABASE_URL": self.database.app,
                "NATS_URL": self.nats_url,
                "CACHE_URL": self.cache_url,
                "GRPC_ADDRESS": address,
                "INSTANCE": name,
                "ROLES": roles,
                "PYTHONPATH": PYTHONPATH,
                "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS,
                "MALLOC_ARENA_MAX": "2",
                # Load of our own is no story to be told.
                "TRACES_SAMPLE_RATIO": "0",
            },
        )

    async def tidy(self) -> None:
        """
        Let the database learn what has come into it.
        """
        connection = await asyncpg.connect(asyncpg_url(self.database.admin))
        await connection.execute("VACUUM ANALYZE")
        await connection.close()


@dataclass(frozen=True, slots=True)
class Replica:
    """
    A running replica of the product service.
    """

    address: str
    child: Child

    @property
    def pid(self) -> int:
        return self.child.pid


@asynccontextmanager
async def world() -> AsyncGenerator[World]:
    """
    Run the servers, with the settings of the local cluster, for the length of the block.
    """
    with tempfile.TemporaryDirectory(prefix="waybill-product-") as directory:
        home = Path(directory)
        async with (
            postgres(home / "postgres", settings=COUNTING) as server,
            nats(home / "nats") as nats_url,
            valkey(home / "valkey") as cache_url,
        ):
            await provision_streams(nats_url, replicas=1)
            database = await provision_database(server.admin_url, "product")
            await run_to_end(
                (sys.executable, "-m", "chassis.storage.migrations", "services.product"),
                env=os.environ | {"MIGRATION_DATABASE_URL": database.owner},
            )
            connection = await asyncpg.connect(asyncpg_url(database.admin))
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            await connection.close()
            yield World(
                home=home,
                ports=Ports({}),
                database=database,
                nats_url=nats_url,
                cache_url=cache_url,
            )


@asynccontextmanager
async def replicas(
    servers: World, count: int, *, roles: str = "api"
) -> AsyncGenerator[list[Replica]]:
    """
    Run *count* replicas of the product service for the length of the block.
    """
    processes = [servers.replica(f"product-{n}", roles=roles) for n in range(1, count + 1)]
    async with running(*processes) as children:
        yield [
            Replica(process.address, child)
            for process, child in zip(processes, children, strict=True)
        ]
