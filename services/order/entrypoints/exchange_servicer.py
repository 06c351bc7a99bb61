"""The gRPC face of exchanges: translate, call one use case, translate back."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from chassis.telemetry.tracing import current_traceparent
from retail.order.v1 import exchange_service_pb2 as pb
from retail.order.v1.exchange_service_pb2_grpc import ExchangeServiceServicer
from services.order.application.exchanges.ports import Returns
from services.order.application.exchanges.request_exchange import request_exchange
from services.order.application.ports import Catalog, UnitOfWork
from services.order.wire.exchanges import exchange_to_wire, request_exchange_from_wire


class ExchangeServicer(ExchangeServiceServicer):
    def __init__(
        self, *, returns: Returns, uow: UnitOfWork, catalog: Catalog, clock: Clock
    ) -> None:
        self._request = partial(
            request_exchange, returns=returns, uow=uow, catalog=catalog, clock=clock
        )

    async def RequestExchange(
        self, request: pb.RequestExchangeRequest, context: grpc.aio.ServicerContext
    ) -> pb.RequestExchangeResponse:
        command = request_exchange_from_wire(request, trace=current_traceparent())
        asked, order = await self._request(command)
        return exchange_to_wire(asked, order)
