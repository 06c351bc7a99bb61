"""How the order service asks the others about returns: what goes over the wire, what comes back."""

import socket
from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.client import channel
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_to_wire
from chassis.rpc.server import Server
from retail.fulfillment.v1 import return_service_pb2 as return_pb
from retail.fulfillment.v1.return_service_pb2_grpc import (
    ReturnServiceServicer,
    add_ReturnServiceServicer_to_server,
)
from retail.payment.v1 import payment_service_pb2 as payment_pb
from retail.payment.v1.payment_service_pb2_grpc import (
    PaymentServiceServicer,
    add_PaymentServiceServicer_to_server,
)
from retail.product.v1 import stock_service_pb2 as stock_pb
from retail.product.v1.stock_service_pb2_grpc import (
    StockServiceServicer,
    add_StockServiceServicer_to_server,
)
from services.order.adapters.refunding import GrpcRefunds
from services.order.adapters.restocking import GrpcRestocking
from services.order.adapters.return_desk import GrpcReturnDesk
from services.order.application.exchanges.ports import WantedReturn, WantedReturnLine
from services.order.application.participants import Refused
from services.order.application.returns.ports import ReturnCase
from services.order.domain.charges import Charge
from services.order.domain.order_return import (
    OrderReturn,
    Resolution,
    ReturnedGoods,
    ReturnKind,
)
from services.order.domain.values import AccountId, LocationId, OrderId, ReturnId
from tests.integration.order.test_orders import NOW, an_order

ADA = AccountId("ada")


class LocationUnknown(RuleViolated):
    pass


class QuantityNotPositive(InvalidInput):
    pass


class ReturnNotInState(RuleViolated):
    pass


class Stock(StockServiceServicer):
    """
    Notes what it is asked, and refuses what is damaged.
    """

    def __init__(self):
        self.asked = []

    async def ReturnStock(self, request, context):  # noqa: ARG002, N802
        self.asked.append([*request.returns])
        refusal = status_from_error(LocationUnknown("no such place"), "product.retail")
        damaged = stock_pb.STOCK_CONDITION_DAMAGED
        return stock_pb.ReturnStockResponse(
            results=[
                stock_pb.StockResult(error=refusal if r.condition == damaged else None)
                for r in request.returns
            ]
        )


class Payment(PaymentServiceServicer):
    async def RefundPayments(self, request, context):  # noqa: ARG002, N802
        self.asked = [*request.refunds]
        done = payment_pb.PaymentResult(payment=payment_pb.Payment())
        return payment_pb.RefundPaymentsResponse(results=[done] * len(self.asked))


class Returns(ReturnServiceServicer):
    async def CloseReturns(self, request, context):  # noqa: ARG002, N802
        self.closed = [*request.closings]
        done = return_pb.ReturnResult(customer_return=return_pb.Return())
        return return_pb.CloseReturnsResponse(results=[done] * len(self.closed))

    async def RequestReturn(self, request, context):  # noqa: ARG002, N802
        if not request.lines[0].quantity:
            raise QuantityNotPositive("at least 1", field="lines[0].quantity")
        return return_pb.RequestReturnResponse(
            customer_return=return_pb.Return(
                return_id=request.return_id,
                account_id=request.account_id,
                order_id=request.order_id,
                state=return_pb.RETURN_STATE_CANCELLED,
            )
        )

    async def CancelReturn(self, request, context):  # noqa: ARG002, N802
        raise ReturnNotInState("it is received")


@pytest.fixture
async def others():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = Server(domain="tests", address=address)
    stock, payment, returns = Stock(), Payment(), Returns()
    add_StockServiceServicer_to_server(stock, server.grpc)
    add_PaymentServiceServicer_to_server(payment, server.grpc)
    add_ReturnServiceServicer_to_server(returns, server.grpc)
    await server.start()
    async with channel(f"ipv4:{address}") as connection:
        yield connection, stock, payment, returns
    await server.stop()


def a_case(*, sellable=0, damaged=0, refund=None, by=None):
    order, id_ = an_order(), ReturnId(new_id())
    order.returns[id_] = OrderReturn(
        id=id_,
        kind=ReturnKind.RETURN,
        resolution=Resolution.REFUND,
        location_id=LocationId("main"),
        goods=(
            ReturnedGoods(
                sku=Sku("LAMP"), sellable=sellable, damaged=damaged, accepted=1, reason="OTHER"
            ),
        ),
        units={1: 1},
        received_at=NOW,
        refund=refund,
        replacement_id=by,
    )
    return ReturnCase(order=order, return_id=id_)


async def test_sellable_and_damaged_goods_are_booked_in_apart_and_always_under_one_id(others):
    connection, stock, _, _ = others
    cases = [a_case(sellable=2), a_case(), a_case(sellable=1, damaged=3)]

    answers = await GrpcRestocking(connection).restock(cases)
    await GrpcRestocking(connection).restock(cases)

    assert answers == [None, None, Refused(reason="LOCATION_UNKNOWN", passing=False)]
    first, again = stock.asked
    assert first == again
    assert [(r.quantity, r.condition) for r in first] == [(2, 1), (1, 1), (3, 2)]
    assert len({r.request_id for r in first}) == 3
    assert {(r.sku, r.location_id) for r in first} == {("LAMP", "main")}


async def test_more_than_is_taken_at_once_is_booked_in_in_pieces(others):
    connection, stock, _, _ = others

    answers = await GrpcRestocking(connection).restock([a_case(sellable=1) for _ in range(501)])

    assert answers == [None] * 501
    assert [len(asked) for asked in stock.asked] == [500, 1]


async def test_what_was_decided_is_paid_back_under_the_returns_id(others):
    connection, _, payment, _ = others
    paid = Charge(value=Money(15_00, "EUR"), shipping=Money(5_00, "EUR"))
    case = a_case(refund=paid)

    assert await GrpcRefunds(connection).refund([case]) == [None]

    (asked,) = payment.asked
    assert (asked.refund_id, asked.payment_id) == (str(case.return_id), str(case.order.id))
    assert asked.amount == money_to_wire(paid.value)
    assert asked.shipping == money_to_wire(paid.shipping)


async def test_fulfillment_is_told_what_was_done(others):
    connection, _, _, returns = others
    paid = Charge(value=Money(15_00, "EUR"), shipping=Money(0, "EUR"))
    nothing = Charge(value=Money(0, "EUR"), shipping=Money(0, "EUR"))
    by = OrderId(UUID(int=5))

    await GrpcReturnDesk(connection).close([a_case(refund=paid), a_case(refund=nothing, by=by)])

    first, second = returns.closed
    assert (first.refunded, first.replacement_order_id) == (money_to_wire(paid.value), "")
    assert (second.HasField("refunded"), second.replacement_order_id) == (False, str(by))


async def test_a_return_is_asked_for_and_a_refusal_is_told_with_its_reason_and_field(others):
    connection, _, _, _ = others
    desk, return_id = GrpcReturnDesk(connection), ReturnId(UUID(int=9))

    def wanted(units):
        line = WantedReturnLine(sku="LAMP", units=units, reason=1, comment="")
        return WantedReturn(
            account_id=ADA, order_id=OrderId(UUID(int=5)), return_id=return_id, lines=(line,)
        )

    asked = await desk.request(wanted(1))
    assert (asked.return_id, asked.is_over) == (return_id, True)
    assert return_pb.Return.FromString(asked.told).account_id == ADA

    with pytest.raises(InvalidInput) as refusal:
        await desk.request(wanted(0))
    assert refusal.value.reason == "QUANTITY_NOT_POSITIVE"
    assert refusal.value.field == "lines[0].quantity"

    with pytest.raises(RuleViolated) as refusal:
        await desk.cancel(ADA, return_id)
    assert refusal.value.reason == "RETURN_NOT_IN_STATE"
