"""The gRPC face of the product service: translate, call one use case, translate back."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
from retail.product.v1.product_service_pb2_grpc import ProductServiceServicer
from services.product import wire
from services.product.application.confirm_reservations import confirm_reservations
from services.product.application.consume_reservations import consume_reservations
from services.product.application.create_product import create_product
from services.product.application.list_products import list_products
from services.product.application.ports import UnitOfWork
from services.product.application.publish_product import PublishProduct, publish_product
from services.product.application.receive_stock import receive_stock
from services.product.application.release_reservations import release_reservations
from services.product.application.reserve_stock import reserve_stock
from services.product.entrypoints.batches import answer_each


class ProductServicer(ProductServiceServicer):
    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def CreateProduct(
        self, request: pb.CreateProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.CreateProductResponse:
        command = wire.create_product_from_wire(request)
        product = await create_product(command, uow=self._uow, clock=self._clock)
        return pb.CreateProductResponse(product=wire.product_to_wire(product))

    async def PublishProduct(
        self, request: pb.PublishProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.PublishProductResponse:
        command = PublishProduct(product_id=wire.product_id_from_wire(request.product_id))
        product = await publish_product(command, uow=self._uow)
        return pb.PublishProductResponse(product=wire.product_to_wire(product))

    async def GetProduct(
        self, request: pb.GetProductRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProductResponse:
        async with self._uow() as tx:
            product = await tx.products.get(wire.product_id_from_wire(request.product_id))
        return pb.GetProductResponse(product=wire.product_to_wire(product))

    async def ListProducts(
        self, request: pb.ListProductsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProductsResponse:
        query = wire.list_products_from_wire(request)
        products, last = await list_products(query, uow=self._uow)
        return pb.ListProductsResponse(
            products=[wire.product_to_wire(product) for product in products],
            next_page_token=wire.page_token_to_wire(last) if last else "",
        )

    async def BatchGetVariants(
        self, request: pb.BatchGetVariantsRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetVariantsResponse:
        skus = wire.skus_from_wire(request.skus)
        async with self._uow() as tx:
            variants = await tx.products.sold_variants(skus)
        return pb.BatchGetVariantsResponse(
            variants=[wire.sold_variant_to_wire(variant) for variant in variants]
        )

    async def ReceiveStock(
        self, request: pb.ReceiveStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReceiveStockResponse:
        receive = partial(receive_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(request.receipts, "receipts", wire.receipt_from_wire, receive)
        return pb.ReceiveStockResponse(
            results=[wire.receipt_result_to_wire(answer) for answer in answers]
        )

    async def BatchGetStock(
        self, request: pb.BatchGetStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetStockResponse:
        skus = wire.skus_from_wire(request.skus)
        async with self._uow() as tx:
            items = await tx.stock_items.of(skus)
        return pb.BatchGetStockResponse(
            stock_levels=[wire.stock_level_to_wire(item) for item in items]
        )

    async def ReserveStock(
        self, request: pb.ReserveStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReserveStockResponse:
        reserve = partial(reserve_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservations, "reservations", wire.reservation_from_wire, reserve
        )
        return pb.ReserveStockResponse(
            results=[wire.reservation_result_to_wire(answer) for answer in answers]
        )

    async def ConfirmReservations(
        self, request: pb.ConfirmReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ConfirmReservationsResponse:
        confirm = partial(confirm_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservation_ids, "reservation_ids", wire.confirmation_from_wire, confirm
        )
        return pb.ConfirmReservationsResponse(
            results=[wire.reservation_result_to_wire(answer) for answer in answers]
        )

    async def ReleaseReservations(
        self, request: pb.ReleaseReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReleaseReservationsResponse:
        release = partial(release_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.reservation_ids, "reservation_ids", wire.release_from_wire, release
        )
        return pb.ReleaseReservationsResponse(
            results=[wire.reservation_result_to_wire(answer) for answer in answers]
        )

    async def ConsumeReservations(
        self, request: pb.ConsumeReservationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ConsumeReservationsResponse:
        consume = partial(consume_reservations, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.consumptions, "consumptions", wire.consumption_from_wire, consume
        )
        return pb.ConsumeReservationsResponse(
            results=[wire.reservation_result_to_wire(answer) for answer in answers]
        )
