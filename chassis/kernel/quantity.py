"""Whole units."""

from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput

# Far beyond any basket, far below what a 64-bit sum of a column can hold.
MOST_UNITS = 1_000_000


class QuantityOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """
    A whole number of units, 1 to 1,000,000.
    """

    units: int

    def __post_init__(self) -> None:
        if not 1 <= self.units <= MOST_UNITS:
            raise QuantityOutOfRange(
                f"a quantity is 1 to {MOST_UNITS:,} units, not {self.units}", field="quantity"
            )
