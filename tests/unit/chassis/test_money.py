import pytest
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.money import CurrencyMismatch, CurrencyUnknown, Money
from chassis.kernel.quantity import Quantity
from chassis.rpc.money import (
    AmountNotExact,
    AmountOutOfRange,
    money_from_wire,
    money_to_wire,
)


def test_money_adds_and_multiplies_exactly():
    assert Money(10_01, "EUR") * Quantity(3) + Money(1, "EUR") == Money(30_04, "EUR")


def test_two_currencies_are_never_mixed():
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "GBP")


def test_a_currency_is_three_capital_letters():
    with pytest.raises(CurrencyUnknown):
        Money(1, "eur")


@pytest.mark.parametrize(
    ("money", "units", "nanos"),
    [
        (Money(19_99, "EUR"), 19, 990_000_000),
        (Money(-19_99, "EUR"), -19, -990_000_000),
        (Money(-5, "EUR"), 0, -50_000_000),
        (Money(19_99, "JPY"), 1999, 0),
        (Money(19_999, "KWD"), 19, 999_000_000),
    ],
)
def test_money_survives_the_wire(money, units, nanos):
    wire = money_to_wire(money)

    assert (wire.units, wire.nanos) == (units, nanos)
    assert money_from_wire(wire, "price") == money


@pytest.mark.parametrize(
    ("wire", "refusal"),
    [
        (WireMoney(currency_code="EUR", nanos=1), AmountNotExact),
        (WireMoney(currency_code="JPY", nanos=500_000_000), AmountNotExact),
        (WireMoney(currency_code="EUR", units=1, nanos=-1), AmountOutOfRange),
        (WireMoney(currency_code="EUR", units=10**15), AmountOutOfRange),
        (WireMoney(currency_code="", units=1), CurrencyUnknown),
    ],
)
def test_what_is_not_money_is_refused_by_the_fields_name(wire, refusal):
    with pytest.raises(refusal) as refused:
        money_from_wire(wire, "lines[2].price")

    assert refused.value.field == "lines[2].price"
