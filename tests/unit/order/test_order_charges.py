"""What shipping and discounts are made of, and that an order has one currency."""

from uuid import UUID

import pytest
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku, TextMalformed
from retail.order.v1 import order_service_pb2 as pb
from services.order.application.place_orders import WantedLine, place_orders
from services.order.application.ports import SoldVariant
from services.order.domain.order_charges import ChargesDoNotAddUp, ChargesOutOfRange
from services.order.domain.values import OrderCharge
from services.order.wire.orders import PriceNegative, charges_from_wire, order_to_wire

LAMP, DESK = Sku("LAMP"), Sku("DESK")


async def place(world, *commands):
    return await place_orders(commands, uow=world.uow, catalog=world, clock=world.clock)


def a_charge(units=5_00, currency="EUR", title="express"):
    return OrderCharge(title=title, amount=Money(units, currency))


def an_agreed_line(units, currency, sku=LAMP):
    price = Money(units, currency)
    return WantedLine(sku=sku, quantity=Quantity(1), agreed_unit_price=price)


async def test_shipping_and_discount_are_what_their_lines_add_up_to(world, a_command):
    lines = (a_charge(5_00), a_charge(1_50, title="fragile"))
    command = a_command(shipping_lines=lines, discount_lines=(a_charge(2_00, title="SPRING"),))

    (order,) = await place(world, command)

    assert (order.shipping, order.discount) == (Money(6_50, "EUR"), Money(2_00, "EUR"))
    assert order.grand_total == Money(34_50, "EUR")
    wire = order_to_wire(world.orders[order.id])
    assert [line.title for line in wire.shipping_lines] == ["express", "fragile"]
    assert [line.amount.units for line in wire.discount_lines] == [2]


async def test_shipping_alone_needs_no_lines(world, a_command):
    (order,) = await place(world, a_command(shipping=Money(5_00, "EUR")))

    assert order.shipping == Money(5_00, "EUR")
    assert order.shipping_lines == ()


async def test_both_may_be_said_if_they_agree(world, a_command):
    (order,) = await place(
        world, a_command(shipping=Money(5_00, "EUR"), shipping_lines=(a_charge(5_00),))
    )

    assert order.shipping == Money(5_00, "EUR")


@pytest.mark.parametrize(
    ("changes", "kind", "field"),
    [
        (
            {"shipping": Money(4_99, "EUR"), "shipping_lines": (a_charge(),)},
            ChargesDoNotAddUp,
            "shipping_lines",
        ),
        (
            {"discount": Money(0, "EUR"), "discount_lines": (a_charge(),)},
            ChargesDoNotAddUp,
            "discount_lines",
        ),
        ({"shipping_lines": (a_charge(),) * 21}, ChargesOutOfRange, "shipping_lines"),
        ({"shipping": Money(1, "GBP")}, CurrencyMismatch, "shipping"),
        ({"discount": Money(1, "GBP")}, CurrencyMismatch, "discount"),
        ({"shipping_lines": (a_charge(currency="GBP"),)}, CurrencyMismatch, "shipping"),
        (
            {"shipping_lines": (a_charge(), a_charge(currency="GBP"))},
            CurrencyMismatch,
            "shipping_lines[1].amount",
        ),
        (
            {"lines": (an_agreed_line(1_00, "EUR"), an_agreed_line(1_00, "GBP"))},
            CurrencyMismatch,
            "lines[1]",
        ),
        (
            {"lines": (an_agreed_line(1_00, "EUR"),), "shipping": Money(1, "GBP")},
            CurrencyMismatch,
            "shipping",
        ),
    ],
)
async def test_what_does_not_fit_is_refused_and_named(world, a_command, changes, kind, field):
    (refusal,) = await place(world, a_command(**changes))

    assert isinstance(refusal, kind)
    assert refusal.field == field
    assert not world.orders


async def test_twenty_charges_are_not_too_many(world, a_command):
    (order,) = await place(world, a_command(shipping_lines=(a_charge(1),) * 20))

    assert order.shipping == Money(20, "EUR")


async def test_an_agreed_price_may_be_in_another_currency_than_the_catalogs(world, a_command):
    command = a_command(lines=(an_agreed_line(7_00, "GBP"),), shipping=Money(1_00, "GBP"))

    (order,) = await place(world, command)

    assert order.grand_total == Money(8_00, "GBP")


async def test_an_agreed_price_beside_a_catalog_price_in_another_currency_is_refused(
    world, a_command
):
    world.variants[DESK] = SoldVariant(title="Desk", price=Money(50_00, "EUR"))
    at_catalog_price = WantedLine(sku=DESK, quantity=Quantity(1))
    command = a_command(lines=(an_agreed_line(7_00, "GBP"), at_catalog_price))

    (refusal,) = await place(world, command)

    assert isinstance(refusal, CurrencyMismatch)
    assert refusal.field == "lines[1]"


async def test_orders_of_one_batch_may_be_in_several_currencies(world, a_command):
    euros, pounds = await place(
        world,
        a_command(request_id=UUID(int=1)),
        a_command(request_id=UUID(int=2), lines=(an_agreed_line(7_00, "GBP"),)),
    )

    assert (euros.currency, pounds.currency) == ("EUR", "GBP")


@pytest.mark.parametrize(
    ("title", "units", "kind", "field"),
    [
        ("", 1, TextMalformed, "shipping_lines[0].title"),
        ("x" * 65, 1, TextMalformed, "shipping_lines[0].title"),
        ("express", -1, PriceNegative, "shipping_lines[0].amount"),
    ],
)
def test_a_charge_has_a_title_and_is_not_negative(title, units, kind, field):
    amount = WireMoney(currency_code="EUR", units=units)

    with pytest.raises(kind) as refusal:
        charges_from_wire([pb.OrderCharge(title=title, amount=amount)], "shipping_lines")

    assert refusal.value.field == field
