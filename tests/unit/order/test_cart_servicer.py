"""Carts as a client meets them."""

from uuid import uuid4

import pytest
from google.type.money_pb2 import Money as MoneyPb

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import cart_service_pb2 as pb
from services.order.domain.sold_variant import SoldVariant
from services.order.entrypoints.cart_servicer import CartServicer
from tests.unit.order.shopper import LIFETIMES


@pytest.fixture
def carts(world):
    world.variants[Sku("BULB")] = SoldVariant(title="Bulb", price=Money(1_00, "EUR"))
    return CartServicer(uow=world.uow, catalog=world, lifetimes=LIFETIMES, clock=world.clock)


def said(message, **content):
    return message(request_id=str(uuid4()), **content), None


async def test_a_visit_ends_in_an_order(world, carts):
    visit = (await carts.CreateCart(*said(pb.CreateCartRequest))).cart
    at_visit = {"cart_id": visit.cart_id}
    await carts.AddCartItem(*said(pb.AddCartItemRequest, **at_visit, sku="LAMP", quantity=5))
    await carts.AddCartItem(*said(pb.AddCartItemRequest, **at_visit, sku="BULB", quantity=1))
    await carts.ChangeCartItem(*said(pb.ChangeCartItemRequest, **at_visit, sku="LAMP", quantity=3))
    await carts.RemoveCartItem(*said(pb.RemoveCartItemRequest, **at_visit, sku="BULB"))
    mine = {"cart_id": visit.cart_id, "account_id": "ada"}
    await carts.MergeCarts(*said(pb.MergeCartsRequest, **mine))

    cart = (await carts.GetCart(pb.GetCartRequest(**mine), None)).cart
    assert [(item.sku, item.quantity, item.title) for item in cart.items] == [("LAMP", 3, "Lamp")]
    assert (cart.account_id, cart.state) == ("ada", pb.CART_STATE_OPEN)
    assert cart.items_total.units == 30
    checkout = said(
        pb.CheckOutCartRequest,
        **mine,
        expected_total=MoneyPb(currency_code="EUR", units=30),
        psp_token="tok_visa",
        ship_to=Address(name="Ada", country_code="GB"),
    )
    order = (await carts.CheckOutCart(*checkout)).order

    cart = (await carts.GetCart(pb.GetCartRequest(**mine), None)).cart
    assert (cart.state, cart.order_id) == (pb.CART_STATE_CHECKED_OUT, order.order_id)
    assert [str(id_) for id_ in world.orders] == [order.order_id]
