"""How the order service asks the others to change: what goes over the wire, and what comes back."""

import socket

import pytest

from chassis.kernel.errors import Conflict, RuleViolated
from chassis.kernel.ids import new_id
from chassis.kernel.text import Sku
from chassis.rpc.client import channel
from chassis.rpc.errors import status_from_error
from chassis.rpc.server import Server
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import (
    FulfillmentServiceServicer,
    add_FulfillmentServiceServicer_to_server,
)
from retail.product.v1 import product_service_pb2 as product_pb
from retail.product.v1.product_service_pb2_grpc import (
    ProductServiceServicer,
    add_ProductServiceServicer_to_server,
)
from services.order.adapters.fulfillment import GrpcFulfillment
from services.order.adapters.inventory import GrpcInventory
from services.order.application.participants import FulfillmentChange, Refused
from services.order.domain.values import Address, Allocation, LocationId, OrderId
from tests.integration.order.test_orders import an_order

HOME = Address(
    name="A. Consignee", lines=("1 High St",), city="Hull", postal_code="HU1", country_code="GB"
)
TWO_LAMPS = Allocation(sku=Sku("LAMP"), location_id=LocationId("main"), units=2)


class AlreadyShipped(RuleViolated):
    pass


class FulfillmentNotOpen(Conflict):
    pass


class Product(ProductServiceServicer):
    """
    Notes what it is asked, and refuses the second entry.
    """

    async def ReduceReservations(self, request, context):  # noqa: ARG002, N802
        self.asked = request
        refusal = status_from_error(AlreadyShipped("two have left"), "product.retail")
        return product_pb.ReduceReservationsResponse(
            results=[
                product_pb.ReservationResult(reservation=product_pb.Reservation()),
                product_pb.ReservationResult(error=refusal),
            ]
        )


class Fulfillment(FulfillmentServiceServicer):
    """
    Notes what it is asked, and refuses the second entry for now.
    """

    async def ChangeFulfillment(self, request, context):  # noqa: ARG002, N802
        self.asked = request
        refusal = status_from_error(FulfillmentNotOpen("not yet"), "fulfillment.retail")
        return fulfillment_pb.ChangeFulfillmentResponse(
            results=[
                fulfillment_pb.ChangeFulfillmentResult(changed_order_id="it"),
                fulfillment_pb.ChangeFulfillmentResult(error=refusal),
            ]
        )


@pytest.fixture
async def others():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server, product, fulfillment = Server(domain="tests", address=address), Product(), Fulfillment()
    add_ProductServiceServicer_to_server(product, server.grpc)
    add_FulfillmentServiceServicer_to_server(fulfillment, server.grpc)
    await server.start()
    async with channel(f"ipv4:{address}") as connection:
        yield connection, product, fulfillment
    await server.stop()


async def test_a_reservation_is_reduced_to_what_its_order_keeps(others):
    connection, product, _ = others
    first, second = an_order(), an_order()

    answers = await GrpcInventory(connection).reduce([(first, [TWO_LAMPS]), (second, [TWO_LAMPS])])

    assert answers == [None, Refused(reason="ALREADY_SHIPPED", passing=False)]
    assert [r.reservation_id for r in product.asked.reductions] == [str(first.id), str(second.id)]
    (kept,) = product.asked.reductions[0].kept
    assert (kept.sku, kept.location_id, kept.quantity) == ("LAMP", "main", 2)


async def test_the_work_on_an_order_is_changed_under_the_number_of_the_change(others):
    connection, _, fulfillment = others
    changes = [
        FulfillmentChange(
            order_id=OrderId(new_id()), number=number, ship_to=HOME, goods=(TWO_LAMPS,)
        )
        for number in (1, 2)
    ]

    answers = await GrpcFulfillment(connection).change(changes)

    assert answers == [None, Refused(reason="FULFILLMENT_NOT_OPEN", passing=True)]
    asked = fulfillment.asked.changes
    assert [(c.order_id, c.change_number) for c in asked] == [
        (str(change.order_id), change.number) for change in changes
    ]
    (line,) = asked[0].lines
    assert (line.sku, line.location_id, line.quantity) == ("LAMP", "main", 2)
    assert (asked[0].ship_to.city, list(asked[0].ship_to.lines)) == ("Hull", ["1 High St"])
