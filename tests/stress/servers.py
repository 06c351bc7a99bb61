"""PostgreSQL and NATS, settings as in production, that fall and come back with port and data."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from nats.js.errors import NotFoundError

from chassis.events import streams
from chassis.events.broker import connect_broker
from deploy.local.databases import ServiceDatabase, asyncpg_url
from deploy.local.errors import StartFailed
from deploy.local.initdb import initialize
from deploy.local.nats_server import nats_processes, url_of
from deploy.local.ports import Ports
from deploy.local.postgres import admin_url_of, postgres_process
from deploy.local.processes import Child, Process, healthy_or_ended, run_to_end, start, stop
from deploy.local.provision import provision_database
from tests.stress.mistakes import MISTAKES
from tests.stress.plan import CONTEXT, THINGS, Plan

WRITERS_TABLES = """
CREATE TABLE things (id uuid PRIMARY KEY, told bigint NOT NULL);
CREATE TABLE committed (thing uuid NOT NULL, number bigint NOT NULL, word text NOT NULL);
"""
# Nothing is unique: what takes effect twice is to be seen.
GROUPS_TABLES = "CREATE TABLE effects (id bigserial PRIMARY KEY, word text NOT NULL)"

START_SECONDS = 30


class Server:
    """
    A server process that faults can be done to.

    Attributes:
        standing: Held by whoever lets it fall, or needs it to stand.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.standing = asyncio.Lock()
        self._child: Child | None = None

    async def start(self) -> None:
        """
        Start it and wait until it is well.
        """
        for attempt in range(5):
            self._child = await start(self.process)
            try:
                await healthy_or_ended(self.process, self._child, START_SECONDS)
                return
            except StartFailed:
                # What was killed may take a moment to let go of port and memory.
                if attempt == 4:
                    raise
                await asyncio.sleep(0.5)

    async def fall(self, signum: signal.Signals) -> None:
        """
        End it with *signum*.
        """
        if self._child is not None:
            with suppress(ProcessLookupError):
                self._child.send_signal(signum)
            await self._child.wait()

    async def stop(self) -> None:
        if self._child is not None:
            await stop(self._child, self.process)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """
    What a run stands on.

    Attributes:
        nats_store: Where NATS keeps its streams.
        writers: The database with the outbox.
        groups: The database of each group.
    """

    postgres: Server
    nats: Server
    nats_url: str
    nats_store: Path
    writers: ServiceDatabase
    groups: dict[str, ServiceDatabase]


@asynccontextmanager
async def servers(directory: Path, plan: Plan) -> AsyncGenerator[Servers]:
    """
    Run both servers with data in *directory* for the length of the block, ready for *plan*.
    """
    data, ports = directory / "postgres", Ports({})
    await initialize(data)
    log = directory / "postgres.log"
    postgres = Server(postgres_process(data, port=ports.take(), log=log))
    (process,) = nats_processes(directory / "nats", nodes=1, ports=ports, logs=directory)
    nats = Server(process)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(postgres.start())
            tasks.create_task(nats.start())
        admin_url = admin_url_of(data, postgres.process)
        ready = Servers(
            postgres=postgres,
            nats=nats,
            nats_url=url_of([process]),
            nats_store=directory / "nats" / process.name,
            writers=await provision_database(admin_url, "writers"),
            groups={name: await provision_database(admin_url, name) for name in plan.group_names},
        )
        await make_ready(ready, plan)
        yield ready
    finally:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(postgres.stop())
            tasks.create_task(nats.stop())


async def make_ready(servers: Servers, plan: Plan) -> None:
    """
    Make the tables, ours and those of services that tell and hear, and the stream.
    """
    more = MISTAKES[plan.mistake].tables if plan.mistake else ""
    async with asyncio.TaskGroup() as tasks:
        # The migrations of real services, so that the chassis finds what it finds there.
        tasks.create_task(make_tables(servers.writers, "order", f"{WRITERS_TABLES}; {more}"))
        for group in servers.groups.values():
            tasks.create_task(make_tables(group, "fulfillment", GROUPS_TABLES))
        tasks.create_task(provision(servers))
    connection = await asyncpg.connect(asyncpg_url(servers.writers.owner))
    await connection.execute("INSERT INTO things SELECT unnest($1::uuid[]), 0", THINGS)
    await connection.close()


async def make_tables(database: ServiceDatabase, service: str, more: str) -> None:
    await run_to_end(
        (sys.executable, "-m", "chassis.storage.migrations", f"services.{service}"),
        env=os.environ | {"MIGRATION_DATABASE_URL": database.owner},
    )
    connection = await asyncpg.connect(asyncpg_url(database.owner))
    await connection.execute(more)
    await connection.close()


async def provision(servers: Servers, *, anew: bool = False) -> None:
    """
    Make the stream and a consumer for each group; *anew*: delete what is there before.
    """
    broker = await connect_broker(servers.nats_url, name="provision")
    try:
        jetstream = broker.jetstream()
        if anew:
            with suppress(NotFoundError):
                await jetstream.delete_stream(streams.stream_of(CONTEXT))
        await streams.provision(
            jetstream,
            contexts=(CONTEXT,),
            listeners=dict.fromkeys(servers.groups, (CONTEXT,)),
        )
    finally:
        await broker.close()


def copy_store(servers: Servers, to: Path) -> None:
    """
    Copy what NATS has on disk.
    """
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(servers.nats_store, to)


def restore_store(servers: Servers, copy: Path) -> None:
    shutil.rmtree(servers.nats_store)
    copy.rename(servers.nats_store)
