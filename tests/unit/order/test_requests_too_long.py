"""What is asked at a length that nobody needs is refused before anybody looks at all of it."""

import pytest
from google.type.money_pb2 import Money

from chassis.kernel.errors import InvalidInput
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import account_service_pb2 as account_pb
from retail.order.v1 import order_history_service_pb2 as history_pb
from retail.order.v1 import order_service_pb2 as pb
from services.order.domain.account_limits import LimitOutOfRange
from services.order.domain.order import LinesOutOfRange
from services.order.domain.order_charges import ChargesOutOfRange
from services.order.domain.values import OrderStatus
from services.order.wire.accounts import put_account_limits_from_wire
from services.order.wire.history import list_order_history_from_wire
from services.order.wire.orders import list_orders_from_wire, place_order_from_wire

ID = "018f3c6a-0000-7000-8000-000000000001"
# Each is refused on its own: whoever looks at it says something else.
NO_LINE = pb.OrderLineRequest(sku="no sku")
NO_CHARGE = pb.OrderCharge()


def placed(**changes):
    sound = {
        "request_id": ID,
        "account_id": "shop-1",
        "channel": pb.CHANNEL_BUSINESS,
        "psp_token": "tok_visa",
        "ship_to": Address(name="Ada", country_code="GB"),
    }
    return place_order_from_wire(pb.PlaceOrderRequest(**sound, **changes), trace="")


def limited(**limits):
    request = account_pb.PutAccountLimitsRequest(account_id="shop-1", limits=limits)
    return put_account_limits_from_wire(request)


@pytest.mark.parametrize(
    ("ask", "asked", "kind", "field"),
    [
        (placed, {"lines": [NO_LINE] * 2_001}, LinesOutOfRange, "lines"),
        (placed, {"shipping_lines": [NO_CHARGE] * 21}, ChargesOutOfRange, "shipping_lines"),
        (placed, {"discount_lines": [NO_CHARGE] * 21}, ChargesOutOfRange, "discount_lines"),
        (limited, {"open_values": [Money()] * 17_577}, LimitOutOfRange, "limits.open_values"),
    ],
)
def test_what_is_too_long_is_refused_as_such(ask, asked, kind, field):
    with pytest.raises(InvalidInput) as refusal:
        ask(**asked)

    assert isinstance(refusal.value, kind)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("request_from_wire", "request_"),
    [
        (list_orders_from_wire, pb.ListOrdersRequest),
        (list_order_history_from_wire, history_pb.ListOrderHistoryRequest),
    ],
)
def test_a_status_counts_once_however_often_it_is_asked_for(request_from_wire, request_):
    asked = [pb.ORDER_STATUS_PLACED, pb.ORDER_STATUS_PENDING] * 100_000

    query = request_from_wire(request_(account_id="shop-1", statuses=asked))

    assert query.statuses == (OrderStatus.PENDING, OrderStatus.PLACED)
