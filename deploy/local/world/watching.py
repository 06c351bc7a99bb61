"""An order that is followed to its end, whichever replicas die on the way."""

import asyncio
from collections.abc import AsyncIterator

import grpc

from chassis.backoff import backoff_seconds
from deploy.local.world.outcomes import ENDED
from deploy.local.world.patience import DOUBTFUL, PASSING
from deploy.local.world.services import Services
from retail.order.v1 import order_service_pb2 as pb


async def watched_to_its_end(order: pb.Order, services: Services) -> AsyncIterator[pb.Order]:
    """
    Yield *order* as it is, and again whenever it has changed, until it has ended: each version
    once. A stream that is cut is taken up again where it was.

    Raises:
        grpc.aio.AioRpcError: There is no such order.
    """
    watch = pb.WatchOrderRequest(account_id=order.account_id, order_id=order.order_id)
    failures = 0
    while True:
        try:
            async for news in services.order.WatchOrder(watch):
                watch.after_version = news.order.version
                failures = 0
                yield news.order
                if news.order.status in ENDED:
                    return
        except grpc.aio.AioRpcError as error:
            if error.code() not in PASSING | DOUBTFUL:
                raise
            failures += 1
        await asyncio.sleep(backoff_seconds(max(failures, 1), most=1.0))
