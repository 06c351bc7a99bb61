"""Where the goods of a reservation come from."""

from collections.abc import Iterable, Iterator, Mapping

from chassis.kernel.errors import RuleViolated
from chassis.kernel.text import Sku
from services.product.domain.stock_item import StockItem
from services.product.domain.values import Goods, Lines, LocationId

_NOWHERE: Mapping[LocationId, StockItem] = {}


class OutOfStock(RuleViolated):
    pass


class Stock:
    """
    The stock items that a batch of reservations draws on. What one reservation takes, the next
    one no longer finds.
    """

    def __init__(self, items: Iterable[StockItem]) -> None:
        self._items: dict[Sku, dict[LocationId, StockItem]] = {}
        # By location, so that the same question has the same answer everywhere.
        for item in sorted(items, key=lambda item: item.location_id):
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

    def at(self, sku: Sku, location_id: LocationId) -> StockItem:
        return self._items[sku][location_id]

    def source(self, lines: Lines) -> tuple[Goods, ...]:
        """
        Choose where the goods for *lines* come from: one location that has everything, the
        first by name; else each line from as few locations as can be, those with most first.

        Raises:
            OutOfStock: There is too little of something.
        """
        for location_id in self._locations_with(lines):
            return tuple(
                Goods(sku=sku, location_id=location_id, quantity=quantity.units)
                for sku, quantity in lines.items()
            )
        return tuple(
            goods for sku, quantity in lines.items() for goods in self._split(sku, quantity.units)
        )

    def _locations_with(self, lines: Lines) -> Iterator[LocationId]:
        """
        Yield the locations that can serve all of *lines*, by name.
        """
        first = next(iter(lines))
        for location_id in self._items.get(first, _NOWHERE):
            if all(self._available(sku, location_id) >= q.units for sku, q in lines.items()):
                yield location_id

    def _available(self, sku: Sku, location_id: LocationId) -> int:
        item = self._items.get(sku, _NOWHERE).get(location_id)
        return item.available if item else 0

    def _split(self, sku: Sku, wanted: int) -> Iterator[Goods]:
        items = self._items.get(sku, _NOWHERE).values()
        available = sum(item.available for item in items)
        if available < wanted:
            raise OutOfStock(f"{wanted} units of {sku} are wanted and {available} available")
        for item in sorted(items, key=lambda item: -item.available):
            taken = min(item.available, wanted)
            wanted -= taken
            yield Goods(sku=sku, location_id=item.location_id, quantity=taken)
            if not wanted:
                return
