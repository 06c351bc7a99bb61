"""Facets from what was counted."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row

from chassis.kernel.money import Money
from services.product.adapters.search.statements import STEPS
from services.product.application.ports.search import Facet, FacetValue

MOST_RANGES = 6


def facets_from_rows(rows: Sequence[Row[Any]], currency: str) -> tuple[Facet, ...]:
    """
    Return those facets that have values.
    """
    attributes: dict[str, list[Row[Any]]] = {}
    for row in rows:
        if row.kind == "attribute":
            attributes.setdefault(row.name, []).append(row)
    frequent = sorted(attributes, key=lambda name: (-sum(r.number for r in attributes[name]), name))
    counts = sorted((int(row.value), row.number) for row in rows if row.kind == "price")
    facets = [
        Facet(name="category", values=_values(row for row in rows if row.kind == "category")),
        Facet(name="price", values=price_ranges(counts, currency)),
        *(Facet(name=f"attributes.{name}", values=_values(attributes[name])) for name in frequent),
    ]
    return tuple(facet for facet in facets if facet.values)


def price_ranges(counts: Sequence[tuple[int, int]], currency: str) -> tuple[FacetValue, ...]:
    """
    Return at most MOST_RANGES ranges of about as many products each, out of *counts*: how many
    products cost from `STEPS[number - 1]` up to `STEPS[number]`, by ascending number.
    """
    share = sum(count for _, count in counts) / MOST_RANGES
    ranges: list[FacetValue] = []
    first, gathered = None, 0
    for place, (number, count) in enumerate(counts):
        first = number if first is None else first
        gathered += count
        last = place == len(counts) - 1
        if last or (gathered >= share and len(ranges) < MOST_RANGES - 1):
            ranges.append(_range(first, number, gathered, currency))
            first, gathered = None, 0
    return tuple(ranges)


def _range(first: int, last: int, count: int, currency: str) -> FacetValue:
    least = STEPS[first - 1] if first else 0
    low = str(Money(least, currency)).removesuffix(f" {currency}").replace(",", "")
    if last >= len(STEPS):
        text = f"{low}– {currency}"
    else:
        text = f"{low}–{str(Money(STEPS[last], currency)).replace(',', '')}"
    return FacetValue(value=text, title=text, count=count)


def _values(rows: Iterable[Row[Any]]) -> tuple[FacetValue, ...]:
    values = [FacetValue(value=row.value, title=row.title, count=row.number) for row in rows]
    return tuple(sorted(values, key=lambda value: (-value.count, value.value)))
