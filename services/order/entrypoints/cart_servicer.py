"""The gRPC face of carts: translate, call one use case, translate back."""

from functools import partial

import grpc

from chassis.gather import Gathered
from chassis.kernel.clock import Clock
from chassis.telemetry.tracing import current_traceparent
from retail.order.v1 import cart_service_pb2 as pb
from retail.order.v1.cart_service_pb2_grpc import CartServiceServicer
from services.order.application.carts.add_cart_items import add_cart_items
from services.order.application.carts.change_cart_items import change_cart_items
from services.order.application.carts.check_out_carts import check_out_carts
from services.order.application.carts.create_cart import create_cart
from services.order.application.carts.get_cart import get_cart
from services.order.application.carts.merge_carts import merge_carts
from services.order.application.carts.remove_cart_items import remove_cart_items
from services.order.application.ports import Catalog, UnitOfWork
from services.order.domain.cart import Lifetimes
from services.order.wire.carts import (
    add_cart_item_from_wire,
    caller_from_wire,
    cart_id_from_wire,
    cart_to_wire,
    change_cart_item_from_wire,
    check_out_cart_from_wire,
    create_cart_from_wire,
    merge_carts_from_wire,
    remove_cart_item_from_wire,
)
from services.order.wire.orders import order_to_wire


class CartServicer(CartServiceServicer):
    def __init__(
        self, *, uow: UnitOfWork, catalog: Catalog, lifetimes: Lifetimes, clock: Clock
    ) -> None:
        self._create = partial(
            create_cart, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock
        )
        self._get = partial(get_cart, uow=uow, catalog=catalog, clock=clock)
        self._merge = partial(
            merge_carts, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock
        )
        # Callers that come while a batch is being committed share the next commit.
        self._add = Gathered(
            partial(add_cart_items, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock)
        )
        self._change = Gathered(
            partial(change_cart_items, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock)
        )
        self._remove = Gathered(
            partial(remove_cart_items, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock)
        )
        self._check_out = Gathered(partial(check_out_carts, uow=uow, catalog=catalog, clock=clock))

    async def CreateCart(
        self, request: pb.CreateCartRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateCartResponse:
        cart = await self._create(create_cart_from_wire(request))
        return pb.CreateCartResponse(cart=cart_to_wire(cart))

    async def GetCart(
        self, request: pb.GetCartRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetCartResponse:
        cart = await self._get(
            cart_id_from_wire(request.cart_id), caller_from_wire(request.account_id)
        )
        return pb.GetCartResponse(cart=cart_to_wire(cart))

    async def AddCartItem(
        self, request: pb.AddCartItemRequest, context: grpc.aio.ServicerContext
    ) -> pb.AddCartItemResponse:
        cart = await self._add(add_cart_item_from_wire(request))
        return pb.AddCartItemResponse(cart=cart_to_wire(cart))

    async def ChangeCartItem(
        self, request: pb.ChangeCartItemRequest, context: grpc.aio.ServicerContext
    ) -> pb.ChangeCartItemResponse:
        cart = await self._change(change_cart_item_from_wire(request))
        return pb.ChangeCartItemResponse(cart=cart_to_wire(cart))

    async def RemoveCartItem(
        self, request: pb.RemoveCartItemRequest, context: grpc.aio.ServicerContext
    ) -> pb.RemoveCartItemResponse:
        cart = await self._remove(remove_cart_item_from_wire(request))
        return pb.RemoveCartItemResponse(cart=cart_to_wire(cart))

    async def MergeCarts(
        self, request: pb.MergeCartsRequest, context: grpc.aio.ServicerContext
    ) -> pb.MergeCartsResponse:
        cart = await self._merge(merge_carts_from_wire(request))
        return pb.MergeCartsResponse(cart=cart_to_wire(cart))

    async def CheckOutCart(
        self, request: pb.CheckOutCartRequest, context: grpc.aio.ServicerContext
    ) -> pb.CheckOutCartResponse:
        command = check_out_cart_from_wire(request, trace=current_traceparent())
        order = await self._check_out(command)
        return pb.CheckOutCartResponse(order=order_to_wire(order))
