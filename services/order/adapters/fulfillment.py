"""The work on orders, as the fulfillment service follows it."""

from collections.abc import Sequence
from datetime import UTC

import grpc

from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from services.order.adapters.refusals import refused_from_wire
from services.order.application.participants import FulfillmentChange, Pending, Refused
from services.order.domain.order import Order
from services.order.wire.address import address_to_wire


class GrpcFulfillment:
    def __init__(self, fulfillment: grpc.aio.Channel) -> None:
        self._fulfillment = FulfillmentServiceStub(fulfillment)

    async def cancel(self, orders: Sequence[Order]) -> Sequence[Refused | Pending | None]:
        request = pb.CancelFulfillmentRequest(order_ids=[str(order.id) for order in orders])
        answer = await self._fulfillment.CancelFulfillment(request)
        return [_cancelling(result) for result in answer.results]

    async def change(self, changes: Sequence[FulfillmentChange]) -> Sequence[Refused | None]:
        request = pb.ChangeFulfillmentRequest(changes=[_change(change) for change in changes])
        answer = await self._fulfillment.ChangeFulfillment(request)
        return [
            refused_from_wire(result.error) if result.HasField("error") else None
            for result in answer.results
        ]


def _cancelling(result: pb.CancelFulfillmentResult) -> Refused | Pending | None:
    if result.HasField("error"):
        return refused_from_wire(result.error)
    if result.HasField("pending_order_id"):
        return Pending(answer_by=result.answer_by_time.ToDatetime(UTC))
    return None


def _change(change: FulfillmentChange) -> pb.FulfillmentChange:
    return pb.FulfillmentChange(
        order_id=str(change.order_id),
        change_number=change.number,
        ship_to=address_to_wire(change.ship_to),
        lines=[
            pb.LocatedLine(sku=some.sku, location_id=some.location_id, quantity=some.units)
            for some in change.goods
        ],
    )
