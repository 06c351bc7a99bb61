"""The methods of ProductService that concern goods."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.stock.receive_stock import receive_stock
from services.product.entrypoints.batches import answer_each
from services.product.wire import fields, stock


class StockMethods:
    """
    How much of it there is.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def ReceiveStock(
        self, request: pb.ReceiveStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReceiveStockResponse:
        receive = partial(receive_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(request.receipts, "receipts", stock.receipt_from_wire, receive)
        return pb.ReceiveStockResponse(
            results=[stock.receipt_result_to_wire(answer) for answer in answers]
        )

    async def BatchGetStock(
        self, request: pb.BatchGetStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetStockResponse:
        skus = fields.skus_from_wire(request.skus)
        async with self._uow() as tx:
            items = await tx.stock_items.of(skus)
        return pb.BatchGetStockResponse(
            stock_levels=[stock.stock_level_to_wire(item) for item in items]
        )
