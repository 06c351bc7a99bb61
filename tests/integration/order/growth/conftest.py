"""A database of orders for each test, as these tests change the tables."""

from uuid import uuid4

import asyncpg
import pytest

from chassis.storage.database import connect
from deploy.local.databases import asyncpg_url
from tests.integration.order.growth.history import migrated_to


@pytest.fixture
async def urls(postgres_server):
    return await migrated_to(postgres_server, "head", f"order_{uuid4().hex[:8]}")


@pytest.fixture
async def database(urls):
    database = connect(urls.app, application="growth")
    yield database
    await database.close()


@pytest.fixture
async def owner(urls):
    connection = await asyncpg.connect(asyncpg_url(urls.owner))
    yield connection
    await connection.close()
