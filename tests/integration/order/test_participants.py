"""How the order service asks the others to change: what goes over the wire, and what comes back."""

import socket
from datetime import UTC, datetime

import pytest

from chassis.kernel.errors import Conflict, RuleViolated
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.client import channel
from chassis.rpc.errors import status_from_error
from chassis.rpc.server import Server
from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import fulfillment_service_pb2 as fulfillment_pb
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import (
    FulfillmentServiceServicer,
    add_FulfillmentServiceServicer_to_server,
)
from retail.payment.v1 import payment_service_pb2 as payment_pb
from retail.payment.v1.payment_service_pb2_grpc import (
    PaymentServiceServicer,
    add_PaymentServiceServicer_to_server,
)
from retail.product.v1 import product_service_pb2 as product_pb
from retail.product.v1.product_service_pb2_grpc import (
    ProductServiceServicer,
    add_ProductServiceServicer_to_server,
)
from services.order.adapters.fulfillment import GrpcFulfillment
from services.order.adapters.inventory import GrpcInventory
from services.order.adapters.payments import GrpcPayments
from services.order.application.participants import FulfillmentChange, Pending, Refused
from services.order.domain.shipment import Shipment
from services.order.domain.values import (
    Address,
    Allocation,
    Goods,
    LocationId,
    OrderId,
    ShipmentId,
)
from tests.integration.order.test_orders import an_order

HOME = Address(
    name="A. Consignee", lines=("1 High St",), city="Hull", postal_code="HU1", country_code="GB"
)
DUE = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TWO_LAMPS = Allocation(sku=Sku("LAMP"), location_id=LocationId("main"), units=2)


class AlreadyShipped(RuleViolated):
    pass


class CancellationRejected(RuleViolated):
    pass


class FulfillmentNotOpen(Conflict):
    pass


class Product(ProductServiceServicer):
    """
    Notes what it is asked, and refuses the second entry of what is to be reduced.
    """

    def __init__(self):
        self.sizes = []

    async def ReduceReservations(self, request, context):  # noqa: ARG002, N802
        self.asked = request
        refusal = status_from_error(AlreadyShipped("two have left"), "product.retail")
        return product_pb.ReduceReservationsResponse(
            results=[
                product_pb.ReservationResult(reservation=product_pb.Reservation()),
                product_pb.ReservationResult(error=refusal),
            ]
        )

    async def ConsumeReservations(self, request, context):  # noqa: ARG002, N802
        self.sizes.append(len(request.consumptions))
        taken = product_pb.ReservationResult(reservation=product_pb.Reservation())
        return product_pb.ConsumeReservationsResponse(results=[taken] * len(request.consumptions))


class Payment(PaymentServiceServicer):
    def __init__(self):
        self.sizes = []

    async def CapturePayments(self, request, context):  # noqa: ARG002, N802
        self.sizes.append(len(request.captures))
        taken = payment_pb.PaymentResult(payment=payment_pb.Payment())
        return payment_pb.CapturePaymentsResponse(results=[taken] * len(request.captures))


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

    async def CancelFulfillment(self, request, context):  # noqa: ARG002, N802
        cancelled, pending, _ = request.order_ids
        refusal = status_from_error(CancellationRejected("packed"), "fulfillment.retail")
        return fulfillment_pb.CancelFulfillmentResponse(
            results=[
                fulfillment_pb.CancelFulfillmentResult(cancelled_order_id=cancelled),
                fulfillment_pb.CancelFulfillmentResult(
                    pending_order_id=pending, answer_by_time=timestamp_to_wire(DUE)
                ),
                fulfillment_pb.CancelFulfillmentResult(error=refusal),
            ]
        )


@pytest.fixture
async def others():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = Server(domain="tests", address=address)
    product, payment, fulfillment = Product(), Payment(), Fulfillment()
    add_ProductServiceServicer_to_server(product, server.grpc)
    add_PaymentServiceServicer_to_server(payment, server.grpc)
    add_FulfillmentServiceServicer_to_server(fulfillment, server.grpc)
    await server.start()
    async with channel(f"ipv4:{address}") as connection:
        yield connection, product, payment, fulfillment
    await server.stop()


async def test_a_reservation_is_reduced_to_what_its_order_keeps(others):
    connection, product, _, _ = others
    first, second = an_order(), an_order()

    answers = await GrpcInventory(connection).reduce([(first, [TWO_LAMPS]), (second, [TWO_LAMPS])])

    assert answers == [None, Refused(reason="ALREADY_SHIPPED", passing=False)]
    assert [r.reservation_id for r in product.asked.reductions] == [str(first.id), str(second.id)]
    (kept,) = product.asked.reductions[0].kept
    assert (kept.sku, kept.location_id, kept.quantity) == ("LAMP", "main", 2)


async def test_work_is_given_up_or_asked_for_or_kept(others):
    connection, *_ = others

    answers = await GrpcFulfillment(connection).cancel([an_order() for _ in range(3)])

    assert answers == [
        None,
        Pending(answer_by=DUE),
        Refused(reason="CANCELLATION_REJECTED", passing=False),
    ]


async def test_the_work_on_an_order_is_changed_under_the_number_of_the_change(others):
    connection, _, _, fulfillment = others
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


async def test_more_parcels_than_are_taken_at_once_are_charged_and_booked_out_in_pieces(others):
    connection, product, payment, _ = others
    order, nothing = an_order(), Money(0, "EUR")
    parcels = [
        Shipment(
            id=ShipmentId(new_id()),
            location_id=LocationId("main"),
            goods=(Goods(sku=Sku("LAMP"), units=1),),
            value=nothing,
            shipping=nothing,
            dispatched_at=order.created_at,
        )
        for _ in range(501)
    ]

    paid = await GrpcPayments(connection).capture([(order, parcel) for parcel in parcels])
    booked = await GrpcInventory(connection).consume([(order, parcel) for parcel in parcels])

    assert paid == booked == [None] * 501
    assert payment.sizes == product.sizes == [500, 1]
