"""The unit that is sold, priced and counted."""

import re
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Self

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.attributes import Attributes, check_attributes
from services.product.domain.price import Price, PriceList, PriceNotPositive, check_prices

_GTIN = re.compile(r"\d{8}|\d{12,14}", re.ASCII)


class GtinInvalid(InvalidInput):
    pass


class WeightNegative(InvalidInput):
    pass


# What a change may leave as it is.
VARIANT_FIELDS = ("gtin", "weight_grams", "attributes", "prices", "retired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """
    The unit that is sold, priced and counted.

    Attributes:
        price: What one unit costs at any time, unless `prices` say otherwise.
        gtin: A GTIN-8, -12, -13 or -14; empty if there is none.
        weight_grams: 0 if not known.
        attributes: Such as `(("colour", "red"),)`, sorted by name.
        retired: No longer sold, although its product is.
    """

    sku: Sku
    price: Money
    gtin: str = ""
    weight_grams: int = 0
    attributes: Attributes = ()
    prices: tuple[Price, ...] = ()
    retired: bool = False

    def __post_init__(self) -> None:
        if self.price.minor_units < 1:
            raise PriceNotPositive(f"a price is above zero, not {self.price}", field="price")
        if self.gtin and not _is_gtin(self.gtin):
            raise GtinInvalid(f"{self.gtin[:20]!r} is no GTIN-8, -12, -13 or -14", field="gtin")
        if self.weight_grams < 0:
            raise WeightNegative("a weight is not negative", field="weight_grams")
        check_attributes(self.attributes)
        check_prices(self.prices)

    def over(self, earlier: Self, fields: Set[str]) -> Self:
        """
        Return what becomes of *earlier* if its price and *fields* are to be as described here.
        """
        kept = {
            name: getattr(earlier, name)
            for name in VARIANT_FIELDS
            if f"variants.{name}" not in fields
        }
        return replace(self, **kept)

    @property
    def price_list(self) -> PriceList:
        return PriceList(self.price, self.prices)


def _is_gtin(text: str) -> bool:
    if not _GTIN.fullmatch(text):
        return False
    # From the right, every other digit counts three times; the sum ends in 0.
    digits = [int(digit) for digit in reversed(text)]
    return (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0
