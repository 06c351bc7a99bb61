"""What providers, carriers and warehouses call."""

from typing import TYPE_CHECKING, Protocol

import grpc

from retail.fulfillment.v1.fulfillment_service_pb2_grpc import FulfillmentServiceStub
from retail.fulfillment.v1.return_service_pb2_grpc import ReturnServiceStub
from retail.fulfillment.v1.shipment_service_pb2_grpc import ShipmentServiceStub

if TYPE_CHECKING:
    # Known to type checkers only.
    from retail.fulfillment.v1.fulfillment_service_pb2_grpc import FulfillmentServiceAsyncStub
    from retail.fulfillment.v1.return_service_pb2_grpc import ReturnServiceAsyncStub
    from retail.fulfillment.v1.shipment_service_pb2_grpc import ShipmentServiceAsyncStub


class Stubs(Protocol):
    """
    The services of fulfillment, as its clients see them.
    """

    fulfillment: "FulfillmentServiceAsyncStub"
    shipment: "ShipmentServiceAsyncStub"
    returns: "ReturnServiceAsyncStub"


class ChannelStubs:
    """
    A stub for each of them, on one channel.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.fulfillment = FulfillmentServiceStub(channel)
        self.shipment = ShipmentServiceStub(channel)
        self.returns = ReturnServiceStub(channel)
