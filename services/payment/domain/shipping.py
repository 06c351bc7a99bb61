"""The part of an amount that is for shipping."""

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money


class ShippingOutOfRange(InvalidInput):
    pass


def must_be_part(shipping: Money, amount: Money) -> None:
    """
    Raises:
        ShippingOutOfRange: *shipping* is no part of *amount*.
    """
    if shipping.currency != amount.currency or not (
        0 <= shipping.minor_units <= amount.minor_units
    ):
        raise ShippingOutOfRange(
            f"shipping is a part of the amount: 0 to {amount}", field="shipping"
        )
