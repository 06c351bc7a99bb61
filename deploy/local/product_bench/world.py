"""Servers of the bench's own, a product service on them, and products to read."""

import os
import sys
import tempfile
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from deploy.local.databases import asyncpg_url
from deploy.local.nats_server import nats
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import postgres
from deploy.local.processes import Process, run_to_end, running
from deploy.local.provision import provision_database, provision_streams
from deploy.local.services import GRPC_EXPERIMENTS
from deploy.local.topology import PYTHONPATH
from deploy.local.valkey import valkey

_FILL = """
WITH made AS (
    INSERT INTO products (id, version, event_count, trace, title, description, state, created_at)
    SELECT uuidv7(), 1, 1, '', 'Desk lamp ' || n, repeat('Brass. ', 30), 'ACTIVE', now()
    FROM generate_series(1, $1::int) AS n RETURNING id
), sold AS (
    INSERT INTO variants (sku, product_id, position, price_minor_units, price_currency, gtin,
        weight_grams, attributes)
    SELECT upper(id::text) || '-' || n, id, n, 1999, 'GBP', '', 400, '{"colour": "brass"}'
    FROM made, generate_series(0, 2) AS n
)
SELECT id FROM made
"""
# What the service itself asked for; the bare SELECT reads `FROM ONLY`.
_STATEMENTS = """
SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
WHERE query ~ 'FROM (products|variants)'
"""


@dataclass(frozen=True, slots=True)
class World:
    """
    Attributes:
        address: Where the product service listens.
        pid: Of its process.
        database: The service's database, as its administrator sees it.
    """

    address: str
    pid: int
    database: str

    async def make_products(self, count: int) -> Sequence[UUID]:
        connection = await asyncpg.connect(self.database)
        try:
            rows = await connection.fetch(_FILL, count)
            await connection.execute("ANALYZE products, variants")
        finally:
            await connection.close()
        return [row["id"] for row in rows]

    async def statements(self) -> int:
        """
        Return how many statements on products the service has sent so far.
        """
        connection = await asyncpg.connect(self.database)
        try:
            count: int = await connection.fetchval(_STATEMENTS)
        finally:
            await connection.close()
        return count


@asynccontextmanager
async def world() -> AsyncGenerator[World]:
    """
    Run the servers and one replica of the product service for the length of the block.
    """
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as directory:
        home = Path(directory)
        watched = {"shared_preload_libraries": "pg_stat_statements"}
        async with (
            postgres(home / "postgres", settings=watched) as server,
            nats(home / "nats") as nats_url,
            valkey(home / "valkey") as cache_url,
        ):
            await provision_streams(nats_url, replicas=1)
            database = await provision_database(server.admin_url, "product")
            await run_to_end(
                (sys.executable, "-m", "chassis.storage.migrations", "services.product"),
                env={"MIGRATION_DATABASE_URL": database.owner},
            )
            admin = asyncpg_url(database.admin)
            connection = await asyncpg.connect(admin)
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            await connection.close()
            address = f"{HOST}:{Ports({}).take()}"
            product = Process(
                name="product-1",
                role="product",
                command=(sys.executable, "-m", "services.product"),
                address=address,
                check=f"grpc://{address}",
                log=home / "product.log",
                environment={
                    "DATABASE_URL": database.app,
                    "NATS_URL": nats_url,
                    "CACHE_URL": cache_url,
                    "GRPC_ADDRESS": address,
                    "PYTHONPATH": PYTHONPATH,
                    "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS,
                },
            )
            async with running(product) as (child,):
                yield World(address, child.pid, admin)


@asynccontextmanager
async def bytes_server(answer: bytes) -> AsyncGenerator[tuple[str, int]]:
    """
    Run a bare server that answers with *answer*; give its address and pid.
    """
    server = await create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local.product_bench.bytes_server"),
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": PYTHONPATH, "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS},
    )
    try:
        assert server.stdin
        assert server.stdout
        server.stdin.write(answer.hex().encode() + b"\n")
        await server.stdin.drain()
        yield (await server.stdout.readline()).decode().strip(), server.pid
    finally:
        server.terminate()
        await server.wait()
