"""How often products are looked at and sold: counted roughly and cheaply, apart from the books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from chassis.kernel.text import Sku
from services.product.domain.values import ProductId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductActivity:
    """
    What goes on with one product; a day is one in UTC.

    Attributes:
        sold: Units of reservations that were confirmed, those released afterwards too.
    """

    product_id: ProductId
    views_today: int = 0
    views: int = 0
    sold_today: int = 0
    sold: int = 0


class Counts(Protocol):
    """
    Counts that gather before they are kept. Counting never waits and never fails.
    """

    def viewed(self, product_id: ProductId, count: int, *, day: date) -> None: ...

    def sold(self, sku: Sku, units: int, *, day: date) -> None: ...


class Activity(Protocol):
    """
    The counts that are kept, some seconds behind.
    """

    async def of(self, product_ids: Sequence[ProductId], *, day: date) -> Sequence[ProductActivity]:
        """
        Return the activity of each of *product_ids*, in order, where *day* is today.
        """
        ...

    def count_sold(self, units: Mapping[Sku, int], *, day: date) -> None:
        """
        Count *units* as sold once this transaction has committed; not if it never does.
        """
        ...
