"""A customer sends goods back and gets others: both, or neither."""

from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput, NotFound, RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.idempotency import RequestIdReused
from retail.fulfillment.v1 import return_service_pb2 as return_pb
from retail.order.v1 import exchange_service_pb2 as pb
from retail.order.v1 import order_service_pb2 as order_pb
from services.order.application.exchanges.ports import AskedReturn, WantedReturnLine
from services.order.application.exchanges.request_exchange import (
    ExchangeOver,
    RequestExchange,
    request_exchange,
    return_id_of,
)
from services.order.application.place_orders import TotalChanged, WantedLine, place_orders
from services.order.application.ports import OrderNotFound, ProductNotSold
from services.order.domain.values import OrderId
from services.order.entrypoints.exchange_servicer import ExchangeServicer
from services.order.wire.orders import place_order_from_wire
from tests.unit.order.conftest import LAMP, SHOP

OLD = OrderId(UUID(int=77))


class ReturnsExceedDelivered(RuleViolated):
    pass


class Away(Exception):
    pass


class ReturnsBook:
    """
    The returns as fulfillment keeps them: by id, with their state.
    """

    def __init__(self):
        self.wanted = {}
        self.states = {}
        self.refusal = None

    async def request(self, wanted):
        if self.refusal:
            raise self.refusal
        assert self.wanted.setdefault(wanted.return_id, wanted) == wanted
        state = self.states.setdefault(wanted.return_id, "APPROVED")
        told = return_pb.Return(
            return_id=str(wanted.return_id), state=f"RETURN_STATE_{state}"
        ).SerializeToString()
        return AskedReturn(return_id=wanted.return_id, is_over=state == "CANCELLED", told=told)

    async def cancel(self, account_id, return_id):
        assert self.wanted[return_id].account_id == account_id
        self.states[return_id] = "CANCELLED"


@pytest.fixture
def returns():
    return ReturnsBook()


@pytest.fixture
def exchange(world, returns, a_command):
    async def ask(**changes):
        command = RequestExchange(
            order_id=OLD,
            lines=(WantedReturnLine(sku="DESK", units=1, reason=2, comment="too wide"),),
            order=a_command(**changes),
        )
        return await request_exchange(
            command, returns=returns, uow=world.uow, catalog=world, clock=world.clock
        )

    return ask


async def test_a_return_and_an_order_are_asked_for_together(world, returns, exchange):
    asked, order = await exchange()

    assert returns.wanted[asked.return_id].order_id == OLD
    assert returns.wanted[asked.return_id].account_id == order.account_id
    assert world.orders[order.id].for_return_id == asked.return_id
    # Paid like any other.
    assert order.grand_total == Money(30_00, "EUR")


async def test_a_return_that_is_refused_leaves_no_order(world, returns, exchange):
    returns.refusal = ReturnsExceedDelivered("all is back already")

    with pytest.raises(ReturnsExceedDelivered):
        await exchange()

    assert not world.orders


async def test_an_order_that_is_refused_gives_the_return_up(world, returns, exchange):
    unknown = (WantedLine(sku=Sku("UNKNOWN"), quantity=Quantity(1)),)

    with pytest.raises(ProductNotSold):
        await exchange(lines=unknown)

    assert set(returns.states.values()) == {"CANCELLED"}
    assert not world.orders


async def test_asked_again_it_is_one_return_and_one_order(world, returns, exchange):
    first, order = await exchange()

    second, same = await exchange()

    assert (second.return_id, same.id) == (first.return_id, order.id)
    assert len(returns.states) == len(world.orders) == 1


async def test_whoever_broke_off_between_the_two_gets_the_order_the_next_time(
    world, returns, exchange, monkeypatch
):
    sold = world.sold

    async def away(_skus):
        raise Away

    monkeypatch.setattr(world, "sold", away)
    with pytest.raises(Away):
        await exchange()
    assert list(returns.states.values()) == ["APPROVED"]
    monkeypatch.setattr(world, "sold", sold)

    _, order = await exchange()

    assert list(world.orders) == [order.id]
    assert list(returns.states.values()) == ["APPROVED"]


async def test_what_was_given_up_is_not_half_done_the_next_time(world, exchange):
    dearer = {"expected_total": Money(1, "EUR")}
    with pytest.raises(TotalChanged):
        await exchange(**dearer)

    with pytest.raises(ExchangeOver):
        await exchange(**dearer)
    assert not world.orders


async def test_an_exchange_whose_return_ran_out_is_still_told(returns, exchange):
    asked, order = await exchange()
    returns.states[asked.return_id] = "CANCELLED"

    again, same = await exchange()

    assert again.is_over
    assert same.id == order.id


async def test_another_content_under_a_used_id_is_refused_and_leaves_the_first_as_it_is(
    servicer, returns
):
    first = await servicer.RequestExchange(a_request(), None)

    with pytest.raises(RequestIdReused):
        await servicer.RequestExchange(a_request(reference="another"), None)

    again = await servicer.RequestExchange(a_request(), None)
    assert again.order.order_id == first.order.order_id
    assert list(returns.states.values()) == ["APPROVED"]


async def test_a_mere_order_is_not_taken_for_half_an_exchange(servicer, returns, place_request):
    await place_request(a_request().order)

    with pytest.raises(RequestIdReused):
        await servicer.RequestExchange(a_request(), None)

    assert not returns.states


async def test_an_order_that_is_kept_elsewhere_does_not_give_its_return_up(
    world, returns, exchange
):
    await exchange()
    world.orders.clear()

    with pytest.raises(OrderNotFound):
        await exchange()

    assert list(returns.states.values()) == ["APPROVED"]


def test_the_return_is_named_by_account_and_request():
    request = UUID(int=5)
    ids = {
        return_id_of(SHOP, request),
        return_id_of(SHOP, UUID(int=6)),
        return_id_of(SHOP + "1", request),
    }
    assert len(ids) == 3
    assert return_id_of(SHOP, request) in ids


def a_request(**order):
    wanted = order_pb.PlaceOrderRequest(
        request_id=str(UUID(int=1)),
        account_id=SHOP,
        channel=order_pb.CHANNEL_BUSINESS,
        lines=[order_pb.OrderLineRequest(sku=LAMP, quantity=1)],
        psp_token="tok_visa",
        ship_to={"name": "Ada", "country_code": "GB"},
    )
    wanted.MergeFrom(order_pb.PlaceOrderRequest(**order))
    line = return_pb.WantedReturnLine(
        sku="DESK", quantity=1, reason=return_pb.RETURN_REASON_DOES_NOT_FIT, comment="too wide"
    )
    return pb.RequestExchangeRequest(order_id=str(OLD), lines=[line], order=wanted)


@pytest.fixture
def servicer(world, returns):
    return ExchangeServicer(returns=returns, uow=world.uow, catalog=world, clock=world.clock)


@pytest.fixture
def place_request(world):
    async def place(request):
        command = place_order_from_wire(request, trace="")
        await place_orders([command], uow=world.uow, catalog=world, clock=world.clock)

    return place


async def test_both_go_over_the_wire(servicer, returns):
    answer = await servicer.RequestExchange(a_request(), None)

    assert answer.customer_return.state == return_pb.RETURN_STATE_APPROVED
    assert answer.order.for_return_id == answer.customer_return.return_id
    (wanted,) = returns.wanted.values()
    assert wanted.lines[0].reason == return_pb.RETURN_REASON_DOES_NOT_FIT


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (a_request(reference="x" * 65), "order.reference"),
        (pb.RequestExchangeRequest(order_id="x"), "order_id"),
        (pb.RequestExchangeRequest(order_id=str(OLD)), "order.channel"),
        (
            a_request(
                channel=order_pb.CHANNEL_CONSUMER,
                lines=[order_pb.OrderLineRequest(sku=LAMP, quantity=1)],
            ),
            "order.expected_total",
        ),
    ],
)
async def test_what_is_wrong_with_the_order_is_named_within_it(servicer, returns, request_, field):
    with pytest.raises(InvalidInput) as refusal:
        await servicer.RequestExchange(request_, None)

    assert refusal.value.field == field
    assert "APPROVED" not in returns.states.values()


async def test_another_accounts_order_is_fulfillments_to_refuse(servicer, returns):
    returns.refusal = type("OrderNotFound", (NotFound,), {})("no such order")

    with pytest.raises(NotFound) as refusal:
        await servicer.RequestExchange(a_request(), None)

    assert refusal.value.reason == "ORDER_NOT_FOUND"
