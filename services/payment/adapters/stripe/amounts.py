"""Amounts in Stripe's units, which are not everywhere those of ISO 4217."""

from chassis.kernel.money import Money, decimals_of

# How many decimals Stripe gives a currency that has as many of ISO's as another: kept from before
# the króna and the shilling lost theirs; and the ariary's fifths cannot be charged.
DECIMALS = {"ISK": 2, "UGX": 2, "MGA": 0}

# Of three decimals the card networks move two.
TENTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


class AmountNotMovable(Exception):
    """
    Stripe moves no such amount: it is finer than what cards can be charged with.
    """


def amount_of(money: Money) -> int:
    """
    Return *money* in Stripe's units.

    Raises:
        AmountNotMovable: It has digits that cannot be charged.
    """
    amount = money.minor_units
    more = decimals_at_stripe(money.currency) - decimals_of(money.currency)
    if more >= 0:
        amount *= int(10**more)
    else:
        amount, rest = divmod(amount, int(10**-more))
        if rest:
            raise AmountNotMovable
    if money.currency in TENTHS and amount % 10:
        raise AmountNotMovable
    return amount


def money_of(amount: int, currency: str) -> Money:
    """
    Return what Stripe calls *amount* of *currency*, which it writes in small letters.

    Raises:
        AmountNotMovable: It is a fraction of what there is.
    """
    code = currency.upper()
    less = decimals_at_stripe(code) - decimals_of(code)
    if less <= 0:
        return Money(amount * int(10**-less), code)
    whole, rest = divmod(amount, int(10**less))
    if rest:
        raise AmountNotMovable
    return Money(whole, code)


def decimals_at_stripe(currency: str) -> int:
    return DECIMALS.get(currency, decimals_of(currency))
