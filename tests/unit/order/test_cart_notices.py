"""What has changed since a cart's owner saw it."""

import pytest

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from retail.order.v1 import cart_service_pb2 as pb
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import AccountId
from services.order.wire.carts import cart_to_wire
from tests.unit.order.shopper import Shopper

LAMP, BULB = Sku("LAMP"), Sku("BULB")


@pytest.fixture
def ada(world):
    return Shopper(world, AccountId("ada"))


@pytest.fixture
async def cart(world, ada):
    """
    Return a cart with ten lamps, for 10 EUR each, or 8 from 20 on.
    """
    sell(world, breaks=((20, Money(8_00, "EUR")),))
    cart = await ada.create()
    await ada.add(cart, LAMP, 10)
    return cart


def sell(world, *, price=10_00, title="Lamp", currency="EUR", breaks=()):
    world.variants[LAMP] = SoldVariant(title=title, price=Money(price, currency), breaks=breaks)


def changes_in(shown):
    (item,) = cart_to_wire(shown).items
    return [pb.CartItemChange.Name(c).removeprefix("CART_ITEM_CHANGE_") for c in item.changes]


@pytest.mark.parametrize(
    ("today", "changes"),
    [
        ({}, []),
        ({"price": 11_00}, ["PRICE_UP"]),
        ({"price": 9_00}, ["PRICE_DOWN"]),
        ({"price": 9_00, "currency": "GBP"}, ["PRICE_UP"]),
        ({"title": "Light"}, ["TITLE"]),
        ({"price": 9_00, "title": "Light"}, ["PRICE_DOWN", "TITLE"]),
    ],
)
async def test_a_look_points_out_what_has_changed(world, ada, cart, today, changes):
    sell(world, **today)

    assert changes_in(await ada.get(cart)) == changes


async def test_what_has_changed_is_pointed_out_until_it_was_seen(world, ada, cart):
    sell(world, price=11_00)

    for _ in range(2):
        item = cart_to_wire(await ada.get(cart)).items[0]
        assert (item.previous_unit_price.units, item.unit_price.units) == (10, 11)
    assert changes_in(await ada.change(cart, LAMP, 12)) == ["PRICE_UP"]

    shown = await ada.change(cart, LAMP, 12, seen=Money(11_00, "EUR"))

    assert changes_in(shown) == []
    assert not cart_to_wire(shown).items[0].HasField("previous_unit_price")


async def test_what_has_changed_again_was_not_seen(world, ada, cart):
    sell(world, price=12_00)

    shown = await ada.change(cart, LAMP, 10, seen=Money(11_00, "EUR"))

    assert changes_in(shown) == ["PRICE_UP"]


async def test_another_quantity_at_another_price_is_no_change(ada, cart):
    shown = await ada.add(cart, LAMP, 10)

    assert changes_in(shown) == []
    assert shown.cart.total(shown.sold) == Money(160_00, "EUR")


async def test_what_was_seen_is_what_it_cost_at_the_quantity_it_had(world, ada, cart):
    sell(world, price=11_00, breaks=((20, Money(9_00, "EUR")),))

    shown = await ada.change(cart, LAMP, 20, seen=Money(11_00, "EUR"))

    assert changes_in(shown) == []


async def test_what_is_not_sold_has_no_price_and_adds_nothing(world, ada, cart):
    world.variants = {BULB: SoldVariant(title="Bulb", price=Money(1_00, "EUR"))}
    shown = await ada.add(cart, BULB, 2)

    lamp, bulb = cart_to_wire(shown).items
    assert lamp.changes == [pb.CART_ITEM_CHANGE_NOT_SOLD]
    assert (lamp.title, lamp.HasField("unit_price")) == ("Lamp", False)
    assert lamp.previous_unit_price.units == 10
    assert not bulb.changes
    assert cart_to_wire(shown).items_total.units == 2


async def test_two_currencies_make_no_total(world, ada, cart):
    world.variants[BULB] = SoldVariant(title="Bulb", price=Money(1_00, "GBP"))

    shown = await ada.add(cart, BULB)

    assert not cart_to_wire(shown).HasField("items_total")


async def test_a_total_that_no_order_can_have_is_not_told(world, ada, cart):
    sell(world, price=10**12)

    shown = await ada.change(cart, LAMP, 1_000_000)

    assert not cart_to_wire(shown).HasField("items_total")
