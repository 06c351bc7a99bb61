"""Where the goods of a reservation come from."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from chassis.kernel.errors import RuleViolated
from chassis.kernel.text import Sku
from services.product.domain.stock_item import StockItem
from services.product.domain.values import Goods, Lines, LocationId, Place

_NOWHERE: Mapping[LocationId, StockItem] = {}


class OutOfStock(RuleViolated):
    pass


class SourcingStrategy(StrEnum):
    """
    Which locations serve a reservation. Locations go by priority, then by name.

    ONE_LOCATION_FIRST: one that has everything; else each line from as few as can be, those with
    most first. ONE_LOCATION_ONLY: one that has everything, or nothing at all. SPLIT_BY_PRIORITY:
    each line from the first ones that have something. SPLIT_BY_STOCK: from those that have most.
    """

    ONE_LOCATION_FIRST = "ONE_LOCATION_FIRST"
    ONE_LOCATION_ONLY = "ONE_LOCATION_ONLY"
    SPLIT_BY_PRIORITY = "SPLIT_BY_PRIORITY"
    SPLIT_BY_STOCK = "SPLIT_BY_STOCK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourcing:
    """
    Where the goods of a reservation may come from.

    Attributes:
        location_ids: Only from these; empty: from any. Closed ones give nothing in either case.
    """

    strategy: SourcingStrategy = SourcingStrategy.ONE_LOCATION_FIRST
    location_ids: Set[LocationId] = frozenset()

    @property
    def wants_one_location(self) -> bool:
        return self.strategy in (
            SourcingStrategy.ONE_LOCATION_FIRST,
            SourcingStrategy.ONE_LOCATION_ONLY,
        )

    def offered(self, item: StockItem) -> int:
        """
        Return how much of *item* may be taken.
        """
        if not item.is_open or (self.location_ids and item.location_id not in self.location_ids):
            return 0
        return item.available


FROM_ANYWHERE = Sourcing()


class Stock:
    """
    The stock items that a batch of reservations draws on. What one reservation takes, the next
    one no longer finds.
    """

    def __init__(self, items: Iterable[StockItem]) -> None:
        self._items: dict[Sku, dict[LocationId, StockItem]] = {}
        # In one order, so that the same question has the same answer everywhere.
        for item in sorted(items, key=lambda item: (item.priority, item.location_id)):
            self._items.setdefault(item.sku, {})[item.location_id] = item

    @property
    def moved(self) -> list[StockItem]:
        """
        The stock items that something was taken from or given back to.
        """
        return [
            item
            for locations in self._items.values()
            for item in locations.values()
            if item.has_moved
        ]

    def find(self, place: Place) -> StockItem:
        """
        Return the stock item at *place*: an empty one, of which nothing can be taken, if there is
        none.
        """
        known = self._items.get(place.sku, _NOWHERE).get(place.location_id)
        return known or StockItem.empty(place)

    def at(self, sku: Sku, location_id: LocationId) -> StockItem:
        return self._items[sku][location_id]

    def source(self, lines: Lines, sourcing: Sourcing = FROM_ANYWHERE) -> tuple[Goods, ...]:
        """
        Choose where the goods for *lines* come from.

        Raises:
            OutOfStock: There is too little of something where it may come from.
        """
        if sourcing.wants_one_location:
            for location_id in self._locations_with(lines, sourcing):
                return tuple(
                    Goods(sku=sku, location_id=location_id, quantity=quantity.units)
                    for sku, quantity in lines.items()
                )
            if sourcing.strategy is SourcingStrategy.ONE_LOCATION_ONLY:
                raise OutOfStock("no one location has all that is wanted")
        return tuple(
            goods
            for sku, quantity in lines.items()
            for goods in self._split(sku, quantity.units, sourcing)
        )

    def _locations_with(self, lines: Lines, sourcing: Sourcing) -> Iterator[LocationId]:
        """
        Yield the locations that can serve all of *lines*, by priority.
        """
        first = next(iter(lines))
        for location_id in self._items.get(first, _NOWHERE):
            if all(
                self._offered(sku, location_id, sourcing) >= quantity.units
                for sku, quantity in lines.items()
            ):
                yield location_id

    def _offered(self, sku: Sku, location_id: LocationId, sourcing: Sourcing) -> int:
        item = self._items.get(sku, _NOWHERE).get(location_id)
        return sourcing.offered(item) if item else 0

    def _split(self, sku: Sku, wanted: int, sourcing: Sourcing) -> Iterator[Goods]:
        offers = [(sourcing.offered(i), i) for i in self._items.get(sku, _NOWHERE).values()]
        offered = sum(units for units, _ in offers)
        if offered < wanted:
            raise OutOfStock(f"{wanted} units of {sku} are wanted and {offered} available")
        if sourcing.strategy is not SourcingStrategy.SPLIT_BY_PRIORITY:
            offers.sort(key=lambda offer: -offer[0])
        for units, item in offers:
            if taken := min(units, wanted):
                wanted -= taken
                yield Goods(sku=sku, location_id=item.location_id, quantity=taken)
            if not wanted:
                return
