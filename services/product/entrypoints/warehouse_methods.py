"""The methods of StockService that move goods."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.stock.adjust_stock import adjust_stock
from services.product.application.stock.count_stock import count_stock
from services.product.application.stock.damage_stock import damage_stock
from services.product.application.stock.list_stock_movements import list_stock_movements
from services.product.application.stock.restore_stock import restore_stock
from services.product.application.stock.return_stock import return_stock
from services.product.application.stock.return_stock_to_supplier import return_stock_to_supplier
from services.product.application.stock.transfer_stock import transfer_stock
from services.product.entrypoints.batches import answer_each
from services.product.wire import journal, warehouse


class WarehouseMethods:
    """
    What people in warehouses do with goods.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def AdjustStock(
        self, request: pb.AdjustStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.AdjustStockResponse:
        do = partial(adjust_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.adjustments, "adjustments", warehouse.adjustment_from_wire, do
        )
        return pb.AdjustStockResponse(results=[warehouse.stock_result_to_wire(a) for a in answers])

    async def TransferStock(
        self, request: pb.TransferStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.TransferStockResponse:
        do = partial(transfer_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.transfers, "transfers", warehouse.transfer_from_wire, do
        )
        return pb.TransferStockResponse(
            results=[warehouse.transfer_result_to_wire(a) for a in answers]
        )

    async def CountStock(
        self, request: pb.CountStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.CountStockResponse:
        do = partial(count_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(request.counts, "counts", warehouse.count_from_wire, do)
        return pb.CountStockResponse(results=[warehouse.count_result_to_wire(a) for a in answers])

    async def DamageStock(
        self, request: pb.DamageStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.DamageStockResponse:
        do = partial(damage_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(request.goods, "goods", warehouse.damage_from_wire, do)
        return pb.DamageStockResponse(results=[warehouse.stock_result_to_wire(a) for a in answers])

    async def RestoreStock(
        self, request: pb.RestoreStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.RestoreStockResponse:
        do = partial(restore_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(request.goods, "goods", warehouse.restoration_from_wire, do)
        return pb.RestoreStockResponse(results=[warehouse.stock_result_to_wire(a) for a in answers])

    async def ReturnStockToSupplier(
        self, request: pb.ReturnStockToSupplierRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReturnStockToSupplierResponse:
        do = partial(return_stock_to_supplier, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.returns, "returns", warehouse.supplier_return_from_wire, do
        )
        return pb.ReturnStockToSupplierResponse(
            results=[warehouse.stock_result_to_wire(a) for a in answers]
        )

    async def ReturnStock(
        self, request: pb.ReturnStockRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReturnStockResponse:
        do = partial(return_stock, uow=self._uow, clock=self._clock)
        answers = await answer_each(
            request.returns, "returns", warehouse.customer_return_from_wire, do
        )
        return pb.ReturnStockResponse(results=[warehouse.stock_result_to_wire(a) for a in answers])

    async def ListStockMovements(
        self, request: pb.ListStockMovementsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListStockMovementsResponse:
        query = journal.list_stock_movements_from_wire(request)
        page, last = await list_stock_movements(query, uow=self._uow)
        return pb.ListStockMovementsResponse(
            movements=[journal.entry_to_wire(entry) for entry in page],
            next_page_token=journal.page_token_to_wire(request, last) if last else "",
        )
