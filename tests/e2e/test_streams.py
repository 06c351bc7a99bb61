"""What happens to streams happens to a shop that is open."""

import asyncio

import pytest

from chassis.events.broker import connect_broker
from deploy.local.invariants.events import INVARIANTS
from deploy.local.provision import provision_streams
from deploy.local.verify import verify
from retail.order.v1 import order_service_pb2 as pb


@pytest.mark.parametrize("context", ["order", "fulfillment"])
async def test_orders_go_on_and_no_event_is_lost_when_a_stream_is_deleted(
    cluster, shop, provider, context
):
    sku = await shop.lamps(20)
    broker = await connect_broker(cluster.nats_url, name="tests")

    async with provider("swift"):
        before = [await shop.place(sku, 1) for _ in range(5)]
        await broker.jetstream().delete_stream(f"RETAIL_{context.upper()}")
        during = [await shop.place(sku, 1) for _ in range(5)]
        await provision_streams(cluster.nats_url, replicas=1)

        for placed in [*before, *during]:
            order = await shop.outcome_of(placed.order_id)
            assert order.status == pb.ORDER_STATUS_COMPLETED

    # The repair looks every five seconds.
    async with asyncio.timeout(40):
        while not (await verify(cluster, wait_seconds=5, invariants=INVARIANTS)).holds:
            await asyncio.sleep(0.5)
    await broker.close()
