"""The gRPC face of the stock: translate, call one use case, translate back."""

from retail.product.v1.stock_service_pb2_grpc import StockServiceServicer
from services.product.application.ports.transaction import UnitOfWork
from services.product.entrypoints.availability_methods import AvailabilityMethods


class StockServicer(AvailabilityMethods, StockServiceServicer):
    def __init__(self, *, uow: UnitOfWork) -> None:
        AvailabilityMethods.__init__(self, uow=uow)
