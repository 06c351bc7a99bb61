"""Two replicas with a cache each: one database, one NATS, one cache server."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import grpc
import pytest
from google.type.money_pb2 import Money
from sqlalchemy import event

from chassis.cache.invalidation import hear_changes
from chassis.events.broker import connect_broker
from chassis.events.publisher import Publisher
from chassis.kernel.clock import system_clock
from chassis.rpc.client import channel
from chassis.rpc.server import Server
from chassis.wake import Wake
from deploy.local.nats_server import nats
from deploy.local.ports import Ports
from deploy.local.processes import running
from deploy.local.provision import provision_streams
from deploy.local.valkey import url_of, valkey_process
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import (
    ProductServiceStub,
    add_ProductServiceServicer_to_server,
)
from services.product.adapters.counters import Counters
from services.product.adapters.product_cache import SUBJECTS, product_cache
from services.product.adapters.unit_of_work import sql_unit_of_work
from services.product.entrypoints.servicer import ProductServicer

GET_PRODUCT = "/retail.product.v1.ProductService/GetProduct"


class Replica:
    """
    Attributes:
        statements: How many SQL statements its calls have sent.
    """

    def __init__(self, database, cache, stub):
        self.database = database
        self.cache = cache
        self.stub = stub
        self.statements = 0

        def count(*_):
            self.statements += 1

        event.listen(database._engine.sync_engine, "before_cursor_execute", count)

    async def create(self):
        variant = pb.Variant(
            sku=f"LAMP-{uuid4()}".upper(), price=Money(currency_code="GBP", units=5)
        )
        request = pb.CreateProductRequest(request_id=str(uuid4()), title="Lamp", variants=[variant])
        return (await self.stub.CreateProduct(request)).product.product_id

    async def publish(self, product_id):
        await self.stub.PublishProduct(pb.PublishProductRequest(product_id=product_id))

    async def state_of(self, product_id):
        got = await self.stub.GetProduct(pb.GetProductRequest(product_id=product_id))
        return pb.ProductState.Name(got.product.state).removeprefix("PRODUCT_STATE_")

    async def sees(self, product_id, state, *, within=1.0):
        """
        Return whether the product is in *state* here within so many seconds.
        """
        async with asyncio.timeout(within + 1):
            began = time.monotonic()
            while await self.state_of(product_id) != state:
                await asyncio.sleep(0.01)
            return time.monotonic() - began < within


@asynccontextmanager
async def replica(database, nats_url, cache_url, name, *, hears=True):
    told = Wake()
    reading = sql_unit_of_work(database, told=told, clock=system_clock)
    cache = product_cache(
        uow=reading, clock=system_clock, urls=cache_url, budget_bytes=2**24, seconds=300
    )
    uow = sql_unit_of_work(database, told=told, clock=system_clock, changed=cache.drop)
    broker = await connect_broker(
        nats_url, name=name, on_loss=cache.lose_touch, on_return=cache.regain_touch
    )
    address = f"127.0.0.1:{Ports({}).take()}"
    server = Server(domain="product.retail", address=address)
    servicer = ProductServicer(uow=uow, clock=system_clock, cache=cache, counts=Counters(database))
    add_ProductServiceServicer_to_server(servicer, server.grpc)
    server.answer_quickly(GET_PRODUCT, servicer.get_product_quickly)
    jobs = [
        asyncio.create_task(cache.run()),
        asyncio.create_task(Publisher(database, broker, context="product", told=told).run()),
    ]
    if hears:
        jobs.append(asyncio.create_task(hear_changes(broker, cache, subjects=SUBJECTS)))
    await server.start()
    async with channel(f"ipv4:{address}") as open_channel:
        yield Replica(database, cache, ProductServiceStub(open_channel))
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    await server.stop()
    await cache.close()
    await broker.close()


@pytest.fixture
async def valkey_server(tmp_path):
    process = valkey_process(tmp_path, port=Ports({}).take(), log=tmp_path / "valkey.log")
    async with running(process) as (child,):
        yield url_of(process), child.pid


@pytest.fixture
async def pair(database_of, nats_url, valkey_server):
    """
    Two replicas that hear each other.
    """
    url, _ = valkey_server
    async with AsyncExitStack() as stack:
        first, second = await database_of("product"), await database_of("product")
        one = await stack.enter_async_context(replica(first, nats_url, url, "one"))
        two = await stack.enter_async_context(replica(second, nats_url, url, "two"))
        await asyncio.sleep(0.1)  # both listen
        yield one, two


async def test_a_cached_read_sends_no_sql(pair):
    one, _ = pair
    product_id = await one.create()
    await one.state_of(product_id)
    before = one.statements

    for _ in range(10):
        assert await one.state_of(product_id) == "DRAFT"

    # The publisher looks around now and then; it asks for no products.
    assert one.statements - before < 10


async def test_many_uncached_reads_share_statements(pair):
    one, _ = pair
    ids = [await one.create() for _ in range(60)]
    one.cache.forget_all()
    asked = []
    event.listen(
        one.database._engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, *_: asked.append(statement),
    )

    await asyncio.gather(*(one.state_of(id_) for id_ in ids))

    assert len([each for each in asked if "FROM products" in each]) <= 20


async def test_the_bytes_of_a_cached_answer_are_those_of_a_loaded_one(pair):
    one, two = pair
    product_id = await one.create()

    loaded = await one.stub.GetProduct(pb.GetProductRequest(product_id=product_id))
    cached = await one.stub.GetProduct(pb.GetProductRequest(product_id=product_id))
    shared = await two.stub.GetProduct(pb.GetProductRequest(product_id=product_id.upper()))

    assert loaded == cached == shared
    assert loaded.product.title == "Lamp"


async def test_an_unknown_product_is_not_found_again_and_again(pair):
    one, _ = pair

    for _ in range(3):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await one.state_of(str(uuid4()))
        assert error.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("product_id", ["", "no-id", "x" * 1_000])
async def test_what_is_no_id_is_refused(pair, product_id):
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await pair[0].state_of(product_id)

    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_change_through_one_replica_is_seen_through_both_within_a_second(pair):
    one, two = pair
    product_id = await one.create()
    assert [await each.state_of(product_id) for each in pair] == ["DRAFT", "DRAFT"]

    await one.publish(product_id)

    assert await one.state_of(product_id) == "ACTIVE"
    assert await two.sees(product_id, "ACTIVE")


async def test_so_it_is_while_the_cache_server_is_frozen(pair, valkey_server):
    one, two = pair
    product_id = await one.create()
    assert [await each.state_of(product_id) for each in pair] == ["DRAFT", "DRAFT"]
    os.kill(valkey_server[1], signal.SIGSTOP)
    try:
        await one.publish(product_id)

        assert await one.state_of(product_id) == "ACTIVE"
        assert await two.sees(product_id, "ACTIVE")
    finally:
        os.kill(valkey_server[1], signal.SIGCONT)
    for each in pair:
        each.cache.forget_all()
        assert await each.state_of(product_id) == "ACTIVE"


async def test_a_replica_that_hears_nothing_would_answer_with_the_old_state(
    database_of, nats_url, valkey_server
):
    url, _ = valkey_server
    first, second = await database_of("product"), await database_of("product")
    async with (
        replica(first, nats_url, url, "one") as one,
        replica(second, nats_url, url, "deaf", hears=False) as deaf,
    ):
        product_id = await one.create()
        await deaf.state_of(product_id)

        await one.publish(product_id)
        await one.sees(product_id, "ACTIVE")

        assert await deaf.state_of(product_id) == "DRAFT"


async def test_while_nats_is_away_a_change_is_seen_soon_and_afterwards_too(
    database_of, valkey_server, tmp_path
):
    url, _ = valkey_server
    port = {"NATS_PORT": str(Ports({}).take())}
    first, second = await database_of("product"), await database_of("product")
    async with AsyncExitStack() as stack:
        async with nats(tmp_path / "nats", ports=Ports(port)) as nats_url:
            await provision_streams(nats_url, replicas=1)
            one = await stack.enter_async_context(replica(first, nats_url, url, "one"))
            two = await stack.enter_async_context(replica(second, nats_url, url, "two"))
            await asyncio.sleep(0.1)
            product_id = await one.create()
            other_id = await one.create()
            for each in (one, two):
                assert await each.state_of(product_id) == "DRAFT"
                assert await each.state_of(other_id) == "DRAFT"
        async with asyncio.timeout(5):
            while not two.cache._is_deaf:
                await asyncio.sleep(0.01)

        await one.publish(product_id)

        assert await two.sees(product_id, "ACTIVE")
        async with nats(tmp_path / "nats", ports=Ports(port)):
            async with asyncio.timeout(10):
                while two.cache._is_deaf:
                    await asyncio.sleep(0.01)
            await two.publish(other_id)
            assert await one.sees(other_id, "ACTIVE")
            await stack.aclose()
