"""A wish for an order to be changed before anything leaves, and what became of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.kernel.errors import InvalidInput
from chassis.kernel.quantity import Quantity
from services.order.domain.values import Address, Allocation, LocationId, OrderLine, RequestState


class LineNotFound(InvalidInput):
    pass


class QuantityGrows(InvalidInput):
    pass


class NothingLeft(InvalidInput):
    pass


class CountryChanged(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """
    Attributes:
        number: The first change of an order is 1.
        ship_to: The address from then on; `None` if it stays.
        quantities: How many units of which line shall stay, by the line's number; 0: none.
        settled: Whether the goods that go out of the order were given back.
        refusal: Why it was refused, such as ORDER_DISPATCHED.
    """

    number: int
    ship_to: Address | None
    quantities: Mapping[int, int]
    requested_at: datetime
    state: RequestState = RequestState.REQUESTED
    settled: bool = False
    refusal: str = ""

    @property
    def is_open(self) -> bool:
        """
        Whether something is still to be done about it.
        """
        if self.state is RequestState.REQUESTED:
            return True
        return self.state is RequestState.ACCEPTED and not self.settled

    @property
    def counts(self) -> bool:
        """
        Whether it is under way, or was done.
        """
        return self.state is not RequestState.REFUSED

    def says(self, ship_to: Address | None, quantities: Mapping[int, int]) -> bool:
        """
        Return whether it is a wish for just this.
        """
        return self.ship_to == ship_to and self.quantities == quantities


def changed_lines(
    lines: Sequence[OrderLine], quantities: Mapping[int, int]
) -> tuple[OrderLine, ...]:
    """
    Return *lines* with so many units of each as *quantities* say.

    Raises:
        LineNotFound: There is no line of that number.
        QuantityGrows: A line would have more than it has, or less than nothing.
        NothingLeft: No line would stay.
    """
    known = {line.number: line.quantity.units for line in lines}
    for place, (number, units) in enumerate(quantities.items()):
        if number not in known:
            raise LineNotFound(
                f"lines[{place}].number: the order has no line {number}",
                field=f"lines[{place}].number",
            )
        if not 0 <= units <= known[number]:
            raise QuantityGrows(
                f"lines[{place}].quantity is 0 to {known[number]:,}, not {units:,}",
                field=f"lines[{place}].quantity",
            )
    after = tuple(
        replace(line, quantity=Quantity(units))
        for line in lines
        if (units := quantities.get(line.number, line.quantity.units))
    )
    if not after:
        raise NothingLeft("one line must stay: cancel the order instead", field="lines")
    return after


def reduced_allocations(
    allocations: Sequence[Allocation], lines: Sequence[OrderLine]
) -> tuple[Allocation, ...]:
    """
    Return of *allocations* what *lines* still ask for.

    The locations that give the most to the order keep it: so whole parcels are saved.
    """
    left: Counter[str] = Counter()
    for line in lines:
        left[line.sku] += line.quantity.units
    given: Counter[LocationId] = Counter()
    for allocation in allocations:
        given[allocation.location_id] += allocation.units
    kept: dict[tuple[str, LocationId], int] = {}
    for allocation in sorted(allocations, key=lambda a: (-given[a.location_id], a.location_id)):
        units = min(allocation.units, left[allocation.sku])
        left[allocation.sku] -= units
        kept[allocation.sku, allocation.location_id] = units
    return tuple(
        replace(allocation, units=units)
        for allocation in allocations
        if (units := kept[allocation.sku, allocation.location_id])
    )
