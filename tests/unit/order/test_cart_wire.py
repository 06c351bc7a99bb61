"""Carts in the words of the contract."""

from uuid import UUID

import pytest
from google.type.money_pb2 import Money as MoneyPb

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import cart_service_pb2 as pb
from retail.order.v1.order_service_pb2 import OrderCharge
from services.order.wire.carts import (
    add_cart_item_from_wire,
    change_cart_item_from_wire,
    check_out_cart_from_wire,
    create_cart_from_wire,
    merge_carts_from_wire,
    remove_cart_item_from_wire,
)

ID = str(UUID(int=1))
CART = str(UUID(int=2))


def euros(units, currency="EUR"):
    return MoneyPb(currency_code=currency, units=units)


def charges(*amounts, title="express"):
    return [OrderCharge(title=title, amount=amount) for amount in amounts]


def an_item(**changes):
    sound = {"request_id": ID, "cart_id": CART, "account_id": "ada", "sku": "LAMP", "quantity": 2}
    return pb.AddCartItemRequest(**(sound | changes))


def a_checkout(**changes):
    sound = {
        "request_id": ID,
        "cart_id": CART,
        "account_id": "ada",
        "expected_total": euros(30),
        "psp_token": "tok_visa",
        "ship_to": Address(name="Ada", country_code="GB"),
    }
    return pb.CheckOutCartRequest(**(sound | changes))


def checked_out(**changes):
    return check_out_cart_from_wire(a_checkout(**changes), trace="").order


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"request_id": "one"}, "request_id"),
        ({"cart_id": ""}, "cart_id"),
        ({"account_id": "a b"}, "account_id"),
        ({"sku": "lamp"}, "sku"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1_000_001}, "quantity"),
    ],
)
def test_a_malformed_item_is_refused_by_its_field(changes, field):
    with pytest.raises(InvalidInput) as refused:
        add_cart_item_from_wire(an_item(**changes))

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"account_id": ""}, "account_id"),
        ({"psp_token": "4242 4242 4242 4242"}, "psp_token"),
        ({"ship_to": None}, "ship_to"),
        ({"reference": "x" * 65}, "reference"),
        ({"reference": "card 4242 4242 4242 4242"}, "reference"),
        ({"expected_total": euros(1, "euros")}, "expected_total"),
        ({"shipping_lines": charges(euros(1), euros(-1))}, "shipping_lines[1].amount"),
        ({"discount_lines": charges(euros(1), title="")}, "discount_lines[0].title"),
    ],
)
def test_a_malformed_checkout_is_refused_by_its_field(changes, field):
    with pytest.raises(InvalidInput) as refused:
        checked_out(**changes)

    assert refused.value.field == field


def test_charges_are_added_up():
    order = checked_out(shipping_lines=charges(euros(5), euros(2)))

    assert [c.amount for c in order.shipping_lines] == [Money(5_00, "EUR"), Money(2_00, "EUR")]
    assert order.discount_lines == ()


def test_nobodys_requests_are_told_apart_by_their_cart():
    anonymous = add_cart_item_from_wire(an_item(account_id=""))

    assert anonymous.account_id is None
    assert anonymous.request.caller == f"cart/{CART}"
    assert add_cart_item_from_wire(an_item()).request.caller == "ada"


def test_requests_that_say_the_same_are_the_same():
    first, again = add_cart_item_from_wire(an_item()), add_cart_item_from_wire(an_item())
    more = add_cart_item_from_wire(an_item(quantity=3))

    assert first.request == again.request
    assert first.request != more.request


def test_two_kinds_of_request_are_never_the_same():
    asked = {"request_id": ID, "cart_id": CART, "account_id": "ada"}
    said = {"sku": "LAMP", "quantity": 2}
    requests = [
        create_cart_from_wire(pb.CreateCartRequest(request_id=ID, account_id="ada")).request,
        add_cart_item_from_wire(pb.AddCartItemRequest(**asked, **said)).request,
        change_cart_item_from_wire(pb.ChangeCartItemRequest(**asked, **said)).request,
        remove_cart_item_from_wire(pb.RemoveCartItemRequest(**asked, sku="LAMP")).request,
        merge_carts_from_wire(pb.MergeCartsRequest(**asked)).request,
    ]

    assert len({request.fingerprint for request in requests}) == len(requests)


def test_no_units_take_an_item_out():
    asked = pb.ChangeCartItemRequest(request_id=ID, cart_id=CART, sku="LAMP", quantity=0)

    command = change_cart_item_from_wire(asked)

    assert (command.quantity, command.seen_price) == (None, None)
