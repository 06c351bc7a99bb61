"""What shipping and the discount of an order are made of."""

from collections.abc import Sequence

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import CurrencyMismatch, Money, sum_of
from services.order.domain.values import OrderCharge, OrderLine

MOST_CHARGES = 20


class ChargesOutOfRange(InvalidInput):
    pass


class ChargesDoNotAddUp(InvalidInput):
    pass


def amount_of(stated: Money | None, charges: Sequence[OrderCharge], currency: str) -> Money:
    """
    Return what is stated, else what *charges* add up to, else nothing, which is in *currency*.

    Of charges in several currencies the first one counts here: `check_charges` refuses the rest.
    """
    if stated is not None or not charges:
        return stated if stated is not None else Money(0, currency)
    return Money(sum(c.amount.minor_units for c in charges), charges[0].amount.currency)


def check_currencies(lines: Sequence[OrderLine], shipping: Money, discount: Money) -> None:
    """
    Raises:
        CurrencyMismatch: An amount is not in the currency of the first line; names the field.
    """
    currency = lines[0].unit_price.currency
    for number, line in enumerate(lines):
        _must_be_in(currency, line.unit_price, f"lines[{number}]")
    _must_be_in(currency, shipping, "shipping")
    _must_be_in(currency, discount, "discount")


def check_charges(whole: Money, charges: Sequence[OrderCharge], field: str) -> None:
    """
    Check that *charges* make up *whole*, if there are any.

    Args:
        field: What they are parts of: `shipping` or `discount`.

    Raises:
        ChargesOutOfRange: There are more than 20.
        CurrencyMismatch: One is in another currency.
        ChargesDoNotAddUp: They come to something else.
    """
    if not charges:
        return
    if len(charges) > MOST_CHARGES:
        raise ChargesOutOfRange(
            f"{field}_lines has at most {MOST_CHARGES} entries", field=f"{field}_lines"
        )
    for number, charge in enumerate(charges):
        _must_be_in(whole.currency, charge.amount, f"{field}_lines[{number}].amount")
    total = sum_of((charge.amount for charge in charges), whole.currency)
    if total != whole:
        raise ChargesDoNotAddUp(
            f"{field}_lines add up to {total}, {field} is {whole}", field=f"{field}_lines"
        )


def _must_be_in(currency: str, amount: Money, field: str) -> None:
    if amount.currency != currency:
        raise CurrencyMismatch(
            f"{field} is in {amount.currency}, and the order in {currency}", field=field
        )
