"""Real servers, started once for all integration tests."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack

import asyncpg
import pytest

from chassis.events.broker import connect_broker
from chassis.storage.database import connect
from deploy.local.databases import asyncpg_url
from deploy.local.nats_server import nats
from deploy.local.postgres import postgres
from deploy.local.provision import provision_database, provision_streams
from tests.psp_process import running_psp


@pytest.fixture(scope="session")
async def postgres_server(tmp_path_factory):
    async with postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
async def nats_url(tmp_path_factory):
    """
    A NATS server with the suite's streams and consumers.
    """
    async with nats(tmp_path_factory.mktemp("nats")) as url:
        await provision_streams(url, replicas=1)
        yield url


@pytest.fixture
async def broker(nats_url):
    broker = await connect_broker(nats_url, name="tests")
    yield broker
    await broker.close()


@pytest.fixture(scope="session")
async def migrated(postgres_server):
    """
    Return the migrated database of a service: `await migrated("order")`.
    """
    known = {}

    async def migrate(service):
        if service not in known:
            database = await provision_database(postgres_server.admin_url, service)
            migration = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "chassis.storage.migrations", f"services.{service}"),
                env=os.environ | {"MIGRATION_DATABASE_URL": database.owner},
            )
            assert await migration.wait() == 0
            known[service] = database
        return known[service]

    return migrate


@pytest.fixture
async def database_of(migrated):
    """
    Return the empty database of a service, as the service itself sees it.
    """
    opened = []

    async def open_database(service):
        urls = await migrated(service)
        await empty(urls.admin)
        database = connect(urls.app, application=f"{service}-tests")
        opened.append(database)
        return database

    yield open_database
    for database in opened:
        await database.close()


async def empty(url):
    """
    Remove every row but the record of migrations.
    """
    connection = await asyncpg.connect(asyncpg_url(url))
    tables = await connection.fetch(
        """
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            AND tablename <> 'alembic_version'
        """
    )
    names = ", ".join(table["name"] for table in tables)
    # Some tables refuse to forget, by a trigger.
    await connection.execute(
        f"SET session_replication_role = replica; TRUNCATE {names} RESTART IDENTITY;"
        " INSERT INTO stream_state DEFAULT VALUES"
    )
    await connection.close()


@pytest.fixture(scope="session")
async def start_psp(postgres_server):
    """
    Start a simulated PSP with a database of its own: `await start_psp(PSP_WEBHOOKS=…)`.
    """
    async with AsyncExitStack() as stack:
        started = 0

        async def start(**settings):
            nonlocal started
            started += 1
            database = await provision_database(postgres_server.admin_url, f"psp_{started}")
            return await stack.enter_async_context(running_psp(database.owner, **settings))

        yield start


@pytest.fixture(scope="session")
async def lasting_psp(start_psp):
    return await start_psp()


@pytest.fixture
async def psp_server(lasting_psp):
    """
    A simulated PSP that all tests share, and that behaves well when a test begins.
    """
    await lasting_psp.behave()
    return lasting_psp
