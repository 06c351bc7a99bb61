"""The work on orders, as the fulfillment service follows it."""

from collections.abc import Sequence

import grpc

from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from services.order.adapters.refusals import refused_from_wire
from services.order.application.participants import Refused
from services.order.domain.order import Order


class GrpcFulfillment:
    def __init__(self, fulfillment: grpc.aio.Channel) -> None:
        self._fulfillment = FulfillmentServiceStub(fulfillment)

    async def cancel(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        request = pb.CancelFulfillmentRequest(order_ids=[str(order.id) for order in orders])
        answer = await self._fulfillment.CancelFulfillment(request)
        return [
            refused_from_wire(result.error) if result.HasField("error") else None
            for result in answer.results
        ]
