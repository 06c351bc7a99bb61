"""Exact money."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity

# Minor units per currency where it is not two decimals (ISO 4217).
# The largest amount that is taken from outside: a sum of millions of these still fits the
# database's 64-bit integers.
MOST_MINOR_UNITS = 10**13

NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
DECIMALS = {
    **dict.fromkeys(NO_DECIMALS.split(), 0),
    **dict.fromkeys(THREE_DECIMALS.split(), 3),
}


class CurrencyMismatch(InvalidInput):
    pass


class CurrencyUnknown(InvalidInput):
    pass


@dataclass(frozen=True, slots=True)
class Money:
    """
    An exact amount in minor units: `Money(19_99, "EUR")` is €19.99.
    """

    minor_units: int
    currency: str

    def __post_init__(self) -> None:
        # Remembered, as amounts are made by the thousand and currencies are few.
        if len(self.currency) != 3 or not _is_code(self.currency):
            raise CurrencyUnknown(
                f"a currency is three capital letters (ISO 4217), not {self.currency[:8]!r}",
                field="currency_code",
            )

    def __add__(self, other: Self) -> Self:
        self._must_match(other)
        return type(self)(self.minor_units + other.minor_units, self.currency)

    def __sub__(self, other: Self) -> Self:
        self._must_match(other)
        return type(self)(self.minor_units - other.minor_units, self.currency)

    def __mul__(self, quantity: Quantity) -> Self:
        return type(self)(self.minor_units * quantity.units, self.currency)

    def __str__(self) -> str:
        decimals = decimals_of(self.currency)
        sign, amount = "-" * (self.minor_units < 0), abs(self.minor_units)
        whole, part = divmod(amount, 10**decimals)
        return f"{sign}{whole:,}{f'.{part:0{decimals}}' if decimals else ''} {self.currency}"

    def _must_match(self, other: Self) -> None:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"cannot reckon {other.currency} with {self.currency}")


@lru_cache(maxsize=1024)
def _is_code(text: str) -> bool:
    return re.fullmatch("[A-Z]{3}", text) is not None


def decimals_of(currency: str) -> int:
    """
    Return how many decimals the minor unit of *currency* has: 2 for EUR, 0 for JPY.
    """
    return DECIMALS.get(currency, 2)


def sum_of(amounts: Iterable[Money], currency: str) -> Money:
    """
    Return the sum of *amounts*, all in *currency*.
    """
    total = Money(0, currency)
    for amount in amounts:
        total += amount
    return total
