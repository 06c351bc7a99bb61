import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.kernel.money import DECIMALS, Money
from services.payment.adapters.stripe.amounts import AmountNotMovable, amount_of, money_of


@pytest.mark.parametrize(
    ("money", "amount"),
    [
        (Money(19_99, "EUR"), 19_99),
        (Money(500, "JPY"), 500),
        # Without decimals, but not to Stripe: it still wants two zeros.
        (Money(5, "ISK"), 5_00),
        (Money(5, "UGX"), 5_00),
        # With decimals of ISO's that cannot be charged.
        (Money(5_00, "MGA"), 5),
        # Paid out in whole ones, but charged to the last digit.
        (Money(10_45, "HUF"), 10_45),
        (Money(10_45, "TWD"), 10_45),
        (Money(5_120, "KWD"), 5_120),
    ],
)
def test_an_amount_is_written_in_stripes_units_and_read_from_them(money, amount):
    assert amount_of(money) == amount
    assert money_of(amount, money.currency.lower()) == money


@pytest.mark.parametrize("money", [Money(1_234, "KWD"), Money(1, "BHD"), Money(5_01, "MGA")])
def test_what_no_card_can_be_charged_with_is_refused(money):
    with pytest.raises(AmountNotMovable):
        amount_of(money)


def test_a_fraction_of_what_there_is_is_not_believed():
    with pytest.raises(AmountNotMovable):
        money_of(5_50, "isk")


@given(st.integers(0, 10**13), st.sampled_from(["EUR", "MGA", *sorted(DECIMALS)]))
def test_nothing_is_lost_on_the_way(minor_units, currency):
    money = Money(minor_units, currency)
    try:
        amount = amount_of(money)
    except AmountNotMovable:
        return
    assert money_of(amount, currency) == money
