"""
Make the servers ready for the services: databases and roles, streams and consumers, migrations.

`python -m deploy.local.provision STATE` does it for the cluster in STATE. Done again, it changes
nothing that is as it should be.
"""

import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import nats.errors
from nats.aio.client import Client

from chassis.events import streams
from chassis.events.broker import connect_broker
from deploy.local.cluster import Cluster, load
from deploy.local.databases import (
    ServiceDatabase,
    asyncpg_url,
    password_of,
    service_database,
)
from deploy.local.errors import CommandFailed
from deploy.local.processes import run_to_end
from deploy.local.psp_process import DATABASE
from deploy.local.topology import WAYBILL

# Any number, as long as everyone who provisions takes the same.
ONE_AT_A_TIME = 0x57617962696C6C

# A NATS cluster elects its leaders before it can keep a stream.
STREAMS_WITHIN_SECONDS = 20.0
BETWEEN_TRIES_SECONDS = 0.2

# What a role may do is said once for all the tables that its owner will ever make.
PRIVILEGES = """
ALTER SCHEMA public OWNER TO {owner};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON SEQUENCES TO {app};
"""


async def provision(cluster: Cluster) -> None:
    """
    Make the servers of *cluster* ready for its services.
    """
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(provision_streams(cluster.nats_url, replicas=cluster.nats_nodes))
        for service in cluster.databases:
            await provision_database(cluster.admin_url, service)
            tasks.create_task(migrate(cluster, service))
        if cluster.psp:
            # It makes its tables itself: it is another company's.
            await provision_database(cluster.admin_url, DATABASE)


async def provision_database(admin_url: str, service: str) -> ServiceDatabase:
    """
    Make the database of *service*: owned by one role, used by another, closed to all others.
    """
    database = service_database(admin_url, service)
    app, owner = database.name, f"{database.name}_owner"

    server = await asyncpg.connect(asyncpg_url(admin_url))
    try:
        await server.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)
        for role in (app, owner):
            await ensure_role(server, role, password_of(role, admin_url))
        if not await server.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", app):
            # The owner's to give only to someone who belongs to it.
            await server.execute(f"GRANT {owner} TO CURRENT_USER")
            await server.execute(f"CREATE DATABASE {database.name} OWNER {owner}")
        await server.execute(f"REVOKE ALL ON DATABASE {database.name} FROM PUBLIC")
        await server.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {app}")
    finally:
        await server.close()

    inside = await asyncpg.connect(asyncpg_url(database.admin))
    try:
        await inside.execute(PRIVILEGES.format(owner=owner, app=app))
    finally:
        await inside.close()
    return database


async def ensure_role(server: asyncpg.Connection, role: str, password: str) -> None:
    known = await server.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    verb = "ALTER" if known else "CREATE"
    # No parameters in a statement of this kind; the password is hexadecimal.
    await server.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{password}'")


async def provision_streams(nats_url: str, *, replicas: int) -> None:
    """
    Make a stream per context and a durable consumer per listener.

    Raises:
        CommandFailed: NATS does not answer, or does not want to.
    """
    problem = "it does not answer"
    try:
        async with asyncio.timeout(STREAMS_WITHIN_SECONDS):
            broker = await connect_broker(nats_url, name="provision")
            try:
                while problem:
                    problem = await try_streams(broker, replicas)
            finally:
                await broker.close()
    except TimeoutError:
        raise CommandFailed(f"no streams at {nats_url}: {problem}") from None


async def try_streams(broker: Client, replicas: int) -> str:
    """
    Make the streams and consumers, or say what is in the way: perhaps only that a cluster of
    servers has no leader yet.
    """
    try:
        await streams.provision(
            broker.jetstream(timeout=2),
            replicas=replicas,
            contexts=WAYBILL.contexts,
            listeners=WAYBILL.listeners,
        )
    except (nats.errors.Error, TimeoutError) as error:
        await asyncio.sleep(BETWEEN_TRIES_SECONDS)
        return str(error) or type(error).__name__
    return ""


async def migrate(cluster: Cluster, service: str) -> None:
    """
    Bring the tables of *service* up to date, as their owner.

    Raises:
        CommandFailed: It cannot be done.
    """
    await run_to_end(
        (sys.executable, "-m", "chassis.storage.migrations", f"services.{service}"),
        env=os.environ | {"MIGRATION_DATABASE_URL": cluster.databases[service].owner},
    )
    # How far the schema has come is for the owner to say.
    database = cluster.databases[service]
    owner = await asyncpg.connect(asyncpg_url(database.owner))
    try:
        await owner.execute(
            f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {database.name}"
        )
    finally:
        await owner.close()


async def main(state: Path) -> None:
    try:
        await provision(load(state))
    except* CommandFailed as group:
        sys.exit("\n".join(str(error) for error in group.exceptions))
    except* (OSError, asyncpg.PostgresError) as group:
        sys.exit("\n".join(f"the database server says no: {error}" for error in group.exceptions))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
