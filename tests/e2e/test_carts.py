"""From a visit to an order, and a button that is pressed a hundred times."""

import asyncio
from uuid import uuid4

import grpc
import pytest

from retail.common.v1.address_pb2 import Address
from retail.order.v1 import cart_service_pb2 as pb
from retail.order.v1 import order_service_pb2 as order_pb
from tests.e2e.conftest import asleep, pounds, refusal_of


class Cart:
    """
    A cart of an account, or of nobody's.
    """

    def __init__(self, services, account=""):
        self.carts = services.cart
        self.account = account
        self.id = ""

    async def open(self):
        request = pb.CreateCartRequest(request_id=str(uuid4()), account_id=self.account)
        self.id = (await self.carts.CreateCart(request)).cart.cart_id
        return self

    def said(self, message, **content):
        basics = {"request_id": str(uuid4()), "cart_id": self.id, "account_id": self.account}
        return message(**(basics | content))

    async def add(self, sku, quantity=1):
        return (await self.carts.AddCartItem(self.put(sku, quantity))).cart

    def put(self, sku, quantity=1):
        return self.said(pb.AddCartItemRequest, sku=sku, quantity=quantity)

    async def get(self):
        request = pb.GetCartRequest(cart_id=self.id, account_id=self.account)
        return (await self.carts.GetCart(request)).cart

    def check_out(self, units, **changes):
        content = {
            "expected_total": pounds(units),
            "psp_token": "tok_visa",
            "ship_to": Address(name="Ada", country_code="GB"),
        }
        request = self.said(pb.CheckOutCartRequest, **(content | changes))
        return self.carts.CheckOutCart(request)


@pytest.fixture
async def cart(services, shop):
    return await Cart(services, shop.account).open()


async def test_a_hundred_checkouts_at_once_are_one_order(services, shop, cart):
    sku = await shop.lamps(10)
    await cart.add(sku, 3)

    async with asleep(services):
        answers = await asyncio.gather(*(cart.check_out(30) for _ in range(100)))

        (order_id,) = {answer.order.order_id for answer in answers}
        order = await shop.until(order_id, order_pb.ORDER_STATUS_PLACED)
        assert await shop.available(sku) == 7
    assert [(line.sku, line.quantity) for line in order.lines] == [(sku, 3)]
    assert (await cart.get()).order_id == order_id


async def test_a_hundred_additions_at_once_all_count(shop, cart):
    sku = await shop.lamps(0)
    again = cart.put(sku)

    await asyncio.gather(
        *(cart.add(sku) for _ in range(100)), *(cart.carts.AddCartItem(again) for _ in range(100))
    )

    assert [item.quantity for item in (await cart.get()).items] == [101]


async def test_a_visitor_signs_in_and_buys(services, shop, cart):
    sku = await shop.lamps(10)
    await cart.add(sku, 1)
    visit = await Cart(services).open()
    await visit.add(sku, 2)
    assert await refusal_of(visit.check_out(20, account_id=shop.account)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "CART_ANONYMOUS",
    )

    merge = visit.said(pb.MergeCartsRequest, account_id=shop.account)
    await services.cart.MergeCarts(merge)

    assert await refusal_of(cart.check_out(20)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "TOTAL_CHANGED",
    )
    order = (await cart.check_out(30)).order
    assert order.grand_total == pounds(30)
    assert (await visit.get()).state == pb.CART_STATE_MERGED


async def test_another_accounts_cart_is_not_there(services, cart):
    eve = Cart(services, "eve")
    eve.id = cart.id

    assert await refusal_of(eve.get()) == (grpc.StatusCode.NOT_FOUND, "CART_NOT_FOUND")
