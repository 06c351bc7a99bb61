"""Servers of the bench's own: one database that tells, one that hears, and NATS between them."""

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
from deploy.local.postgres import postgres
from deploy.local.processes import run_to_end
from deploy.local.provision import provision_database, provision_streams


@dataclass(frozen=True, slots=True)
class World:
    """
    Where events are told and heard.

    Attributes:
        telling: The database of `order`, whose events flow.
        hearing: The database of `fulfillment`, which listens.
    """

    telling: ServiceDatabase
    hearing: ServiceDatabase
    nats_url: str

    async def execute(self, sql: str, *values: object) -> None:
        """
        Execute *sql* in the telling database, as its administrator.
        """
        connection = await asyncpg.connect(asyncpg_url(self.telling.admin))
        try:
            await connection.execute(sql, *values)
        finally:
            await connection.close()


@asynccontextmanager
async def world() -> AsyncGenerator[World]:
    """
    Run the servers, with the settings of the local cluster, for the length of the block.
    """
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as directory:
        home = Path(directory)
        async with postgres(home / "postgres") as server, nats(home / "nats") as nats_url:
            await provision_streams(nats_url, replicas=1)
            telling = await _database(server.admin_url, "order")
            hearing = await _database(server.admin_url, "fulfillment")
            yield World(telling, hearing, nats_url)


async def _database(admin_url: str, service: str) -> ServiceDatabase:
    database = await provision_database(admin_url, service)
    await run_to_end(
        (sys.executable, "-m", "chassis.storage.migrations", f"services.{service}"),
        env=os.environ | {"MIGRATION_DATABASE_URL": database.owner},
    )
    return database
