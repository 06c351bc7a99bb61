"""The gRPC face of the history of orders: translate, call one use case, translate back."""

import grpc

from retail.order.v1 import order_history_service_pb2 as pb
from retail.order.v1.order_history_service_pb2_grpc import OrderHistoryServiceServicer
from services.order.application.history.list_order_history import list_order_history
from services.order.application.history.ports import UnitOfWork
from services.order.wire.history import list_order_history_from_wire, summary_to_wire
from services.order.wire.orders import page_token


class OrderHistoryServicer(OrderHistoryServiceServicer):
    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def ListOrderHistory(
        self, request: pb.ListOrderHistoryRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListOrderHistoryResponse:
        query = list_order_history_from_wire(request)
        orders, more = await list_order_history(query, uow=self._uow)
        return pb.ListOrderHistoryResponse(
            orders=[summary_to_wire(order) for order in orders],
            next_page_token=page_token(orders[-1].order_id) if more else "",
        )
