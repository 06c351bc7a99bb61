"""A cluster of the bench's own, with goods to sell and providers at work."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from nats.aio.client import Client

from chassis.events.broker import connect_broker
from chassis.kernel.money import Money
from deploy.local.cluster import Cluster
from deploy.local.down import bring_down
from deploy.local.topology import WAYBILL
from deploy.local.up import bring_up, silent
from deploy.local.world.catalogue import Delivery, NewProduct, offer_products, receive
from deploy.local.world.patience import Patience
from deploy.local.world.services import Services, services_of
from deploy.providers.character import Character
from deploy.providers.provider import at_work, retire
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import order_service_pb2 as pb

PRODUCTS = 100
# Of each product: more than any bench asks for.
PLENTY = 1_000_000
PROVIDERS = 2
# Where the providers of the bench deliver.
COUNTRY = "VU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """
    All that placing orders and following them needs.
    """

    cluster: Cluster
    services: Services
    broker: Client
    patience: Patience


@asynccontextmanager
async def own_cluster(*, roles: str = "") -> AsyncGenerator[Cluster]:
    """
    Run a cluster, with the settings of every local one, for the length of the block.

    Args:
        roles: What the services do: `api` or `worker`; everything if empty.
    """
    topology = WAYBILL
    if roles:
        topology = replace(WAYBILL, service=("env", f"ROLES={roles}", *WAYBILL.service))
    with TemporaryDirectory(prefix="waybill-bench-") as directory:
        state = Path(directory) / "run"
        print("  Starting a cluster …", file=sys.stderr)
        try:
            yield await bring_up(
                state,
                topology=topology,
                replicas=int(os.environ.get("REPLICAS") or "1"),
                environ={},
                report=silent,
            )
        except BaseException:
            # What the processes have said goes with the directory.
            if os.environ.get("LOG_LEVEL"):
                sys.stderr.writelines(log.read_text() for log in (state / "logs").glob("*.log"))
            raise
        finally:
            await bring_down(state)


@asynccontextmanager
async def open_shop(cluster: Cluster) -> AsyncGenerator[Shop]:
    """
    Bring goods and providers into *cluster* for the length of the block. The providers accept,
    dispatch and deliver at once.
    """
    patience = Patience()
    broker = await connect_broker(cluster.nats_url, name="bench")
    try:
        async with services_of(cluster) as services:
            await bring_goods(services, patience)
            characters = [
                Character(id=f"bench-{n}", name=f"Bench {n}", regions=(COUNTRY,))
                for n in range(PROVIDERS)
            ]
            async with at_work(characters, services, patience) as providers:
                yield Shop(cluster=cluster, services=services, broker=broker, patience=patience)
                await retire(providers)
    finally:
        await broker.close()


async def bring_goods(services: Services, patience: Patience) -> None:
    await offer_products(
        [
            NewProduct(title=f"Bench product {n}", prices={sku(n): Money(1_000 + n, "GBP")})
            for n in range(PRODUCTS)
        ],
        services=services,
        patience=patience,
    )
    await receive(
        [Delivery(sku=sku(n), location_id="main", units=PLENTY) for n in range(PRODUCTS)],
        occasion=f"bench {uuid4()}",
        services=services,
        patience=patience,
    )


def sku(number: int) -> str:
    return f"BENCH-{number:03}"


def a_request(number: int) -> pb.PlaceOrderRequest:
    """
    Return a request for an order of one line, which nobody has made before.
    """
    return pb.PlaceOrderRequest(
        request_id=str(uuid4()),
        account_id="bench",
        channel=pb.CHANNEL_BUSINESS,
        lines=[pb.OrderLineRequest(sku=sku(number % PRODUCTS), quantity=1)],
        psp_token="tok_visa",
        ship_to=Address(name="Bench", country_code=COUNTRY),
    )
