"""The gRPC face of the product service: translate, call one use case, translate back."""

from chassis.cache.cache import Cache
from chassis.kernel.clock import Clock
from retail.product.v1.product_service_pb2_grpc import ProductServiceServicer
from services.product.application.ports.activity import Counts
from services.product.application.ports.transaction import UnitOfWork
from services.product.entrypoints.activity_methods import ActivityMethods
from services.product.entrypoints.product_methods import ProductMethods
from services.product.entrypoints.reservation_methods import ReservationMethods
from services.product.entrypoints.stock_methods import StockMethods


class ProductServicer(
    ProductMethods, StockMethods, ReservationMethods, ActivityMethods, ProductServiceServicer
):
    def __init__(self, *, uow: UnitOfWork, clock: Clock, cache: Cache, counts: Counts) -> None:
        ProductMethods.__init__(self, uow=uow, clock=clock, cache=cache)
        StockMethods.__init__(self, uow=uow, clock=clock)
        ReservationMethods.__init__(self, uow=uow, clock=clock)
        ActivityMethods.__init__(self, uow=uow, clock=clock, counts=counts)
