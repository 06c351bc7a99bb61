import asyncio

import grpc
import pytest

from chassis.rpc.server import Server
from deploy.local.ports import Ports
from retail.order.v1 import order_service_pb2 as pb
from retail.order.v1.order_service_pb2_grpc import (
    OrderServiceServicer,
    OrderServiceStub,
    add_OrderServiceServicer_to_server,
)

MOST_CALLS = 4
WATCH = pb.WatchOrderRequest()


class Servicer(OrderServiceServicer):
    async def GetOrder(self, request, context):  # noqa: ARG002, N802
        return pb.GetOrderResponse()

    async def WatchOrder(self, request, context):  # noqa: ARG002, N802
        yield pb.WatchOrderResponse()
        await asyncio.sleep(60)


@pytest.fixture
async def order():
    """
    Return a stub of a server that works on four calls at once.
    """
    address = f"127.0.0.1:{Ports({}).take()}"
    server = Server(domain="order.retail", address=address, most_calls=MOST_CALLS)
    add_OrderServiceServicer_to_server(Servicer(), server.grpc)
    await server.start()
    async with grpc.aio.insecure_channel(address) as open_channel:
        yield OrderServiceStub(open_channel)
    await server.stop()


async def test_streams_leave_room_for_calls(order):
    streams = [order.WatchOrder(WATCH) for _ in range(MOST_CALLS // 2)]
    for stream in streams:
        await stream.read()

    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await order.WatchOrder(WATCH).read()

    assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await order.GetOrder(pb.GetOrderRequest(), timeout=5) == pb.GetOrderResponse()


async def test_who_goes_makes_room_for_another_stream(order):
    for _ in range(2 * MOST_CALLS):
        stream = order.WatchOrder(WATCH)
        assert await stream.read() == pb.WatchOrderResponse()
        stream.cancel()
        await asyncio.sleep(0.1)
