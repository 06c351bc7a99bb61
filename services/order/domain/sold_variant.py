"""What is sold, as an order and a cart see it."""

from dataclasses import dataclass

from chassis.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldVariant:
    """
    What an order line needs to know of what it orders.

    Attributes:
        price: Of one unit.
        breaks: Of one unit if so many are ordered: ever more units, ever cheaper.
    """

    title: str
    price: Money
    breaks: tuple[tuple[int, Money], ...] = ()

    def price_of(self, units: int) -> Money:
        """
        Return what each of so many units costs.
        """
        reached = [price for least, price in self.breaks if least <= units]
        return reached[-1] if reached else self.price
