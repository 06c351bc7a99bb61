"""The product service as a process: what it leaves behind when it is told to stop."""

import sys
import time
from uuid import uuid4

import pytest
from google.type.money_pb2 import Money
from sqlalchemy import text

from chassis.rpc.client import channel
from deploy.local.ports import Ports
from deploy.local.processes import Process, running
from deploy.local.services import GRPC_EXPERIMENTS
from deploy.local.topology import PYTHONPATH
from deploy.local.valkey import valkey
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub

VIEWS = text("SELECT views FROM product_activity_totals WHERE product_id = :id")


@pytest.fixture
async def process_with(migrated, nats_url, tmp_path):
    """
    Return how to describe a process of the service that uses a given cache server.
    """
    urls = await migrated("product")

    def describe(cache_url):
        address = f"127.0.0.1:{Ports({}).take()}"
        return Process(
            name="product",
            role="product",
            command=(sys.executable, "-m", "services.product"),
            address=address,
            check=f"grpc://{address}",
            log=tmp_path / "product.log",
            environment={
                "DATABASE_URL": urls.app,
                "NATS_URL": nats_url,
                "CACHE_URL": cache_url,
                "GRPC_ADDRESS": address,
                "INSTANCE": "product-1",
                "ROLES": "api",
                "PYTHONPATH": PYTHONPATH,
                "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS,
            },
        )

    return describe


async def view(process, *, times):
    """
    Have a product made and looked at; return its id.
    """
    lamp = pb.Variant(sku=f"LAMP-{uuid4()}".upper(), price=Money(currency_code="GBP", units=5))
    async with channel(f"ipv4:{process.address}") as open_channel:
        stub = ProductServiceStub(open_channel)
        made = await stub.CreateProduct(
            pb.CreateProductRequest(request_id=str(uuid4()), title="Lamp", variants=[lamp])
        )
        product_id = made.product.product_id
        seen = pb.Views(product_id=product_id, count=1)
        for _ in range(times):
            await stub.RecordViews(pb.RecordViewsRequest(views=[seen]))
    return product_id


async def views_of(database, product_id):
    async with database.begin() as tx:
        return [row.views for row in await tx.rows(VIEWS, {"id": product_id})]


@pytest.mark.parametrize("has_server", [True, False])
async def test_what_was_counted_up_to_sigterm_is_in_the_database(
    process_with, database_of, tmp_path, has_server
):
    database = await database_of("product")
    async with valkey(tmp_path / "valkey") as url:
        process = process_with(url if has_server else "")
        async with running(process):
            product_id = await view(process, times=7)
            stopped_at = time.monotonic()

        assert await views_of(database, product_id) == [7]
        assert time.monotonic() - stopped_at < 10
