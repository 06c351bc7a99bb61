"""The servers on their own, as other tests use them."""

import asyncio
import importlib.util

import asyncpg
import nats as nats_client
import pytest

from deploy.local import initdb
from deploy.local.databases import asyncpg_url
from deploy.local.errors import DiskFull, ServerMissing
from deploy.local.health import problem_of
from deploy.local.initdb import demand_room, initialize
from deploy.local.nats_server import nats
from deploy.local.postgres import postgres
from deploy.local.provision import provision_database, provision_streams
from deploy.local.valkey import valkey


async def test_servers_run_side_by_side(tmp_path):
    async with (
        postgres(tmp_path / "one") as one,
        postgres(tmp_path / "two") as two,
        valkey(tmp_path / "cache") as cache,
    ):
        assert one.admin_url != two.admin_url
        assert await problem_of(cache) is None


async def test_a_database_is_open_to_its_own_service_alone(tmp_path):
    async with postgres(tmp_path) as server:
        order, _ = [
            await provision_database(server.admin_url, each) for each in ("order", "payment")
        ]

        owner = await asyncpg.connect(asyncpg_url(order.owner))
        await owner.execute("CREATE TABLE orders (id bigserial PRIMARY KEY, sku text)")
        app = await asyncpg.connect(asyncpg_url(order.app))
        await app.execute("INSERT INTO orders (sku) VALUES ('A')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("DROP TABLE orders")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("CREATE TABLE mine ()")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(asyncpg_url(order.app), database="retail_payment")
        await asyncio.gather(owner.close(), app.close())


async def test_provisioning_again_changes_nothing(tmp_path):
    async with postgres(tmp_path) as server:
        first = await provision_database(server.admin_url, "order")

        assert await provision_database(server.admin_url, "order") == first


async def test_streams_are_there_for_every_context(tmp_path):
    async with nats(tmp_path) as url:
        await provision_streams(url, replicas=1)
        await provision_streams(url, replicas=1)

        broker = await nats_client.connect(url)
        streams = await broker.jetstream().streams_info()
        assert len(streams) == 4
        await broker.close()


async def test_three_nodes_agree(tmp_path):
    async with nats(tmp_path, nodes=3) as url:
        await provision_streams(url, replicas=3)

        assert url.count(",") == 2


async def test_what_does_not_answer_is_not_well():
    assert await problem_of("grpc://127.0.0.1:1") == "nothing listens"


def test_a_full_disk_is_said_in_so_many_words(tmp_path):
    with pytest.raises(DiskFull, match="Make room"):
        demand_room(tmp_path, room_bytes=10**18)


async def test_a_database_is_not_started_on_a_full_disk(tmp_path, monkeypatch):
    (tmp_path / "postgres").mkdir()
    monkeypatch.setattr(initdb, "ROOM_TO_GO_ON_BYTES", 10**18)

    with pytest.raises(DiskFull, match="Make room"):
        await initialize(tmp_path / "postgres")


async def test_data_without_a_server_is_said_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "postgres").mkdir()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(ServerMissing, match="make setup"):
        await initialize(tmp_path / "postgres")
