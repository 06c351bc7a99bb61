"""The four services of a cluster, as a client sees them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.rpc.client import channel
from deploy.local.cluster import Cluster
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from retail.fulfillment.v1.provider_service_pb2_grpc import ProviderServiceStub
from retail.fulfillment.v1.return_service_pb2_grpc import ReturnServiceStub
from retail.fulfillment.v1.shipment_service_pb2_grpc import ShipmentServiceStub
from retail.order.v1.cart_service_pb2_grpc import CartServiceStub
from retail.order.v1.exchange_service_pb2_grpc import ExchangeServiceStub
from retail.order.v1.order_history_service_pb2_grpc import OrderHistoryServiceStub
from retail.order.v1.order_service_pb2_grpc import OrderServiceStub
from retail.order.v1.saga_service_pb2_grpc import SagaServiceStub
from retail.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from retail.payment.v1.reconciliation_service_pb2_grpc import ReconciliationServiceStub
from retail.product.v1.category_service_pb2_grpc import CategoryServiceStub
from retail.product.v1.product_service_pb2_grpc import ProductServiceStub
from retail.product.v1.stock_service_pb2_grpc import StockServiceStub


class Services:
    """
    A stub for each service of *cluster*.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._channels = {name: channel(target) for name, target in cluster.targets.items()}
        self.product = ProductServiceStub(self._channels["product"])
        self.category = CategoryServiceStub(self._channels["product"])
        self.stock = StockServiceStub(self._channels["product"])
        self.order = OrderServiceStub(self._channels["order"])
        self.order_history = OrderHistoryServiceStub(self._channels["order"])
        self.cart = CartServiceStub(self._channels["order"])
        self.exchange = ExchangeServiceStub(self._channels["order"])
        self.saga = SagaServiceStub(self._channels["order"])
        self.payment = PaymentServiceStub(self._channels["payment"])
        self.reconciliation = ReconciliationServiceStub(self._channels["payment"])
        self.fulfillment = FulfillmentServiceStub(self._channels["fulfillment"])
        self.provider = ProviderServiceStub(self._channels["fulfillment"])
        self.shipment = ShipmentServiceStub(self._channels["fulfillment"])
        self.returns = ReturnServiceStub(self._channels["fulfillment"])

    async def close(self) -> None:
        for each in self._channels.values():
            await each.close()


@asynccontextmanager
async def services_of(cluster: Cluster) -> AsyncGenerator[Services]:
    """
    Call the services of *cluster* for the length of the block.
    """
    services = Services(cluster)
    try:
        yield services
    finally:
        await services.close()
