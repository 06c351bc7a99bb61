"""The gRPC face of the order service: translate, call one use case, translate back."""

from collections.abc import AsyncIterator
from functools import partial

import grpc

from chassis.gather import Gathered
from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.telemetry.tracing import current_traceparent
from retail.order.v1 import order_service_pb2 as pb
from retail.order.v1.order_service_pb2_grpc import OrderServiceServicer
from services.order.application.cancel_order import cancel_order
from services.order.application.change_order import change_order
from services.order.application.get_order import get_order
from services.order.application.list_orders import list_orders
from services.order.application.place_orders import PlaceOrder, place_orders
from services.order.application.ports import Catalog, OrderChanges, UnitOfWork
from services.order.application.watch_order import watch_order
from services.order.domain.order import LinesOutOfRange
from services.order.domain.values import OrderId, account_id
from services.order.wire.orders import (
    list_orders_from_wire,
    order_to_wire,
    page_token,
    place_order_from_wire,
    result_to_wire,
)
from services.order.wire.requests import cancel_order_from_wire, change_order_from_wire

MOST_ENTRIES = 500
# Of all orders of a batch: the answer tells them all, and is not to be more than callers take.
MOST_LINES = 20_000


class BatchSizeOutOfRange(InvalidInput):
    pass


class OrderServicer(OrderServiceServicer):
    def __init__(
        self, *, uow: UnitOfWork, catalog: Catalog, changes: OrderChanges, clock: Clock
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._changes = changes
        self._place = partial(place_orders, uow=uow, catalog=catalog, clock=clock)
        # Callers that come while a batch is being committed share the next commit.
        self._place_gathered = Gathered(self._place, size=_size)

    async def PlaceOrder(
        self, request: pb.PlaceOrderRequest, context: grpc.aio.ServicerContext
    ) -> pb.PlaceOrderResponse:
        command = place_order_from_wire(request, trace=current_traceparent())
        order = await self._place_gathered(command)
        return pb.PlaceOrderResponse(order=order_to_wire(order))

    async def BatchPlaceOrders(
        self, request: pb.BatchPlaceOrdersRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchPlaceOrdersResponse:
        if not 1 <= len(request.requests) <= MOST_ENTRIES:
            raise BatchSizeOutOfRange(f"requests is 1 to {MOST_ENTRIES} entries", field="requests")
        if sum(len(entry.lines) for entry in request.requests) > MOST_LINES:
            raise LinesOutOfRange(
                f"requests have at most {MOST_LINES:,} lines in all", field="requests"
            )
        trace = current_traceparent()
        parsed = [_parsed(entry, trace) for entry in request.requests]
        commands = [command for command in parsed if isinstance(command, PlaceOrder)]
        answers = iter(await self._place(commands))
        return pb.BatchPlaceOrdersResponse(
            results=[
                result_to_wire(
                    entry if isinstance(entry, DomainError) else next(answers),
                    path=f"requests[{number}]",
                )
                for number, entry in enumerate(parsed)
            ]
        )

    async def GetOrder(
        self, request: pb.GetOrderRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetOrderResponse:
        order, timeline = await get_order(
            account_id(request.account_id),
            OrderId(parse_id(request.order_id, "order_id")),
            uow=self._uow,
        )
        return pb.GetOrderResponse(order=order_to_wire(order, timeline))

    async def ListOrders(
        self, request: pb.ListOrdersRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListOrdersResponse:
        orders, more = await list_orders(list_orders_from_wire(request), uow=self._uow)
        return pb.ListOrdersResponse(
            orders=[order_to_wire(order) for order in orders],
            next_page_token=page_token(orders[-1].id) if more else "",
        )

    async def WatchOrder(
        self, request: pb.WatchOrderRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchOrderResponse]:
        async for order, timeline in watch_order(
            account_id(request.account_id),
            OrderId(parse_id(request.order_id, "order_id")),
            after_version=request.after_version,
            uow=self._uow,
            changes=self._changes,
        ):
            yield pb.WatchOrderResponse(order=order_to_wire(order, timeline))

    async def CancelOrder(
        self, request: pb.CancelOrderRequest, context: grpc.aio.ServicerContext
    ) -> pb.CancelOrderResponse:
        command = cancel_order_from_wire(request)
        order = await cancel_order(command, uow=self._uow, clock=self._clock)
        return pb.CancelOrderResponse(order=order_to_wire(order))

    async def ChangeOrder(
        self, request: pb.ChangeOrderRequest, context: grpc.aio.ServicerContext
    ) -> pb.ChangeOrderResponse:
        command = change_order_from_wire(request)
        order = await change_order(command, uow=self._uow, clock=self._clock)
        return pb.ChangeOrderResponse(order=order_to_wire(order))


def _size(command: PlaceOrder) -> int:
    # Twenty lines cost about as much as an order, and nobody shall wait for thousands of others'.
    return 1 + len(command.lines) // 20


def _parsed(entry: pb.PlaceOrderRequest, trace: str) -> PlaceOrder | DomainError:
    try:
        return place_order_from_wire(entry, trace=trace)
    except InvalidInput as refusal:
        return refusal
