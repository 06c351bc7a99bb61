"""What can be searched for, and how."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Protocol
from uuid import UUID

from services.product.domain.product import Product
from services.product.domain.values import ProductId

# How many of those found are ranked, counted and paged through.
MOST_COUNTED = 5_000


class SearchOrder(StrEnum):
    RELEVANCE = "RELEVANCE"
    NEWEST = "NEWEST"
    CHEAPEST = "CHEAPEST"
    DEAREST = "DEAREST"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEntry:
    """
    What a search knows of a product.

    Attributes:
        attributes: All values of the product and its variants, by name.
        prices: Lowest and highest price of one unit now, in minor units, by currency.
    """

    product_id: ProductId
    title: str
    description: str
    handle: str
    skus: tuple[str, ...]
    category_ids: tuple[UUID, ...]
    attributes: Mapping[str, tuple[str, ...]]
    prices: Mapping[str, tuple[int, int]]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """
    Where a page ends.

    Attributes:
        score: What the order goes by, higher ones first.
        currency: In which the prices are compared.
    """

    score: int
    product_id: ProductId
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """
    Attributes:
        category_id: With all below it.
        attributes: Values one of which each name must have.
        currency: Of the prices; empty if none are asked for.
        least: The dearest variant costs at least so many minor units.
        most: The cheapest one costs at most so many.
        after: Where the page before ended; `None` for the first page.
    """

    words: str = ""
    category_id: UUID | None = None
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    currency: str = ""
    least: int | None = None
    most: int | None = None
    order: SearchOrder = SearchOrder.RELEVANCE
    page_size: int = 20
    after: Place | None = None
    with_facets: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    value: str
    title: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    name: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    A page of what was found.

    Attributes:
        next: Where this page ends if another one follows.
        total: How many were found, up to MOST_COUNTED.
        is_partial: Whether there are more than that.
        corrected: What the words were read as, if not as they are.
        limitation: What the server cannot do; empty if there is nothing.
    """

    product_ids: tuple[ProductId, ...]
    next: Place | None
    total: int
    is_partial: bool = False
    corrected: str = ""
    facets: tuple[Facet, ...] = ()
    limitation: str = ""


class SearchIndex(Protocol):
    """
    What can be found. It changes when the transaction commits: a transaction does not find what
    it has put.
    """

    def put(self, entries: Sequence[SearchEntry]) -> None: ...

    def remove(self, product_ids: Sequence[ProductId]) -> None: ...

    async def find(self, query: SearchQuery) -> Found: ...


def entry_of(product: Product, now: datetime) -> SearchEntry:
    """
    Return what a search shall know of *product* at the time *now*: what is sold of it.
    """
    sold = [variant for variant in product.variants if not variant.retired]
    attributes: dict[str, dict[str, None]] = defaultdict(dict)
    for name, value in chain(product.attributes, *(variant.attributes for variant in sold)):
        attributes[name][value] = None
    prices: dict[str, tuple[int, int]] = {}
    for price in chain.from_iterable(variant.price_list.prices_at(now) for variant in sold):
        lowest, highest = prices.get(price.currency, (price.minor_units, price.minor_units))
        prices[price.currency] = min(lowest, price.minor_units), max(highest, price.minor_units)
    return SearchEntry(
        product_id=product.id,
        title=product.title,
        description=product.description,
        handle=product.handle,
        skus=tuple(variant.sku for variant in sold),
        category_ids=product.category_ids,
        attributes={name: tuple(values) for name, values in attributes.items()},
        prices=prices,
        created_at=product.created_at,
    )
