"""The gRPC face of the stock: translate, call one use case, translate back."""

from chassis.kernel.clock import Clock
from retail.product.v1.stock_service_pb2_grpc import StockServiceServicer
from services.product.application.ports.transaction import UnitOfWork
from services.product.entrypoints.availability_methods import AvailabilityMethods
from services.product.entrypoints.location_methods import LocationMethods
from services.product.entrypoints.warehouse_methods import WarehouseMethods


class StockServicer(WarehouseMethods, LocationMethods, AvailabilityMethods, StockServiceServicer):
    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        WarehouseMethods.__init__(self, uow=uow, clock=clock)
        LocationMethods.__init__(self, uow=uow)
        AvailabilityMethods.__init__(self, uow=uow)
