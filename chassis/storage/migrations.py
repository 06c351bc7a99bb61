"""
Migrations: `python -m chassis.storage.migrations services.order` brings a database up to date.

Each service keeps its own in `services/<context>/migrations/versions/`. They run as the database's
owner (`MIGRATION_DATABASE_URL`), which the service itself is not: it cannot change its schema.
"""

import asyncio
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine


def migrate(package: str, url: str) -> None:
    """
    Bring the database at *url* to the newest version that *package* knows.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"there is no service {package}")
    config = Config()
    config.set_main_option("script_location", str(Path(spec.origin).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, "head")


def run(metadata: MetaData) -> None:
    """
    Run the migrations; called by a service's `migrations/env.py`, where *metadata* says how the
    tables look today.
    """
    asyncio.run(_run(metadata, context.config.attributes["url"]))


def execute(statements: Iterable[str] | str) -> None:
    """
    Execute SQL within a migration: one statement, or several in order.
    """
    for statement in [statements] if isinstance(statements, str) else statements:
        op.execute(text(statement))


async def _run(metadata: MetaData, url: str) -> None:
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_upgrade, metadata)
        await connection.commit()
    await engine.dispose()


def _upgrade(connection: Connection, metadata: MetaData) -> None:
    # Two replicas that start together: the second one waits and finds nothing to do.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('waybill migrations'))"))
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "__main__":
    migrate(sys.argv[1], os.environ["MIGRATION_DATABASE_URL"])
