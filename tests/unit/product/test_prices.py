from datetime import UTC, datetime, timedelta

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from services.product.domain.price import Price, PriceList

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def eur(cents, **more):
    return Price(amount=Money(cents, "EUR"), **more)


def list_of(*prices):
    return PriceList(Money(10_00, "EUR"), prices)


def cost(prices, quantity=1, now=NOON):
    price = prices.price_of(quantity, "EUR", now)
    return price and price.minor_units


def test_who_buys_many_pays_the_lowest_price_reached():
    prices = list_of(eur(9_00, min_quantity=10), eur(9_50, min_quantity=20))

    assert [cost(prices, units) for units in (1, 9, 10, 20)] == [10_00, 10_00, 9_00, 9_00]
    assert prices.breaks("EUR", NOON) == ((1, Money(10_00, "EUR")), (10, Money(9_00, "EUR")))


def test_of_two_prices_the_one_that_started_last_holds():
    prices = list_of(
        eur(8_00, starts_at=NOON - HOUR), eur(12_00, starts_at=NOON, ends_at=NOON + HOUR)
    )

    assert cost(prices, now=NOON - 2 * HOUR) == 10_00
    assert cost(prices, now=NOON - HOUR) == 8_00
    assert cost(prices, now=NOON) == 12_00
    assert cost(prices, now=NOON + HOUR) == 8_00


def test_another_currency_has_its_own_prices():
    prices = list_of(Price(amount=Money(11_00, "USD"), min_quantity=5))

    assert prices.price_of(1, "USD", NOON) is None
    assert prices.price_of(5, "USD", NOON) == Money(11_00, "USD")


def test_the_next_change_is_the_next_time_a_price_begins_or_ends():
    prices = list_of(eur(8_00, starts_at=NOON, ends_at=NOON + HOUR))

    assert prices.next_change_after(NOON - HOUR) == NOON
    assert prices.next_change_after(NOON) == NOON + HOUR
    assert prices.next_change_after(NOON + HOUR) is None


@pytest.mark.parametrize(
    ("price", "field"),
    [
        ({"amount": Money(0, "EUR")}, "amount"),
        ({"min_quantity": -1}, "min_quantity"),
        ({"starts_at": NOON, "ends_at": NOON}, "end_time"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(price, field):
    with pytest.raises(InvalidInput) as refusal:
        Price(**{"amount": Money(1, "EUR")} | price)

    assert refusal.value.field == field
