"""What there is to look at: each database as it is at one moment, and the streams."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from nats.aio.client import Client

from chassis.events.broker import connect_broker
from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url

# The PSP's database, which is no context of ours.
PSP = "psp"

# Rows that are fetched ahead of their reader.
AHEAD = 2_000
# By itself it would try for as long as it takes.
CONNECT_SECONDS = 5.0


class Evidence:
    """
    Read as the administrator, past the services and their code.

    Attributes:
        contexts: The services there are.
    """

    def __init__(self, connections: dict[str, Any], broker: Client) -> None:
        self._connections = connections
        self.contexts = tuple(context for context in connections if context != PSP)
        self.broker = broker

    async def rows(self, context: str, query: str, *values: Any) -> AsyncIterator[Any]:
        """
        Yield what *query* finds in the database of *context*, however much it is.
        """
        async for row in self._connections[context].cursor(query, *values, prefetch=AHEAD):
            yield row

    async def fetch(self, context: str, query: str, *values: Any) -> list[Any]:
        rows: list[Any] = await self._connections[context].fetch(query, *values)
        return rows

    async def value(self, context: str, query: str, *values: Any) -> Any:
        return await self._connections[context].fetchval(query, *values)


@asynccontextmanager
async def evidence_of(cluster: Cluster) -> AsyncGenerator[Evidence]:
    """
    Look at *cluster* as it is now, for the length of the block: each database stands still in it.
    """
    async with AsyncExitStack() as stack:
        async with asyncio.timeout(CONNECT_SECONDS):
            broker = await connect_broker(cluster.nats_url, name="verify")
        stack.push_async_callback(broker.close)
        connections: dict[str, Any] = {}
        psp = {PSP: cluster.psp.database} if cluster.psp else {}
        for context, database in (cluster.databases | psp).items():
            connections[context] = connection = await connect(database.admin)
            stack.push_async_callback(connection.close)
            await stack.enter_async_context(
                connection.transaction(isolation="repeatable_read", readonly=True)
            )
            # The first statement decides which moment it is.
            await connection.fetchval("SELECT 1")
        yield Evidence(connections, broker)


async def connect(url: str) -> Any:
    # One database may wait long while another is read.
    patient = {"idle_in_transaction_session_timeout": "0", "statement_timeout": "0"}
    return await asyncpg.connect(asyncpg_url(url), server_settings=patient)  # type: ignore[no-untyped-call,unused-ignore]
