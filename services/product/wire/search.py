"""Searches on the wire."""

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.money import CurrencyMismatch, Money
from chassis.kernel.text import check_text
from chassis.rpc.money import money_from_wire
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.search import Facet, Found, Place, SearchOrder, SearchQuery
from services.product.domain.values import ProductId
from services.product.wire.fields import PageSizeOutOfRange, PageTokenInvalid

MOST_QUERY = 200
MOST_FILTERS = 10
MOST_VALUES = 50
DEFAULT_PAGE = 20
LARGEST_PAGE = 100

# Score, product, currency, and what the page before was asked.
_TOKEN = struct.Struct("!q16s3s8s")


class SearchOrderUnknown(InvalidInput):
    pass


class AttributeFiltersOutOfRange(InvalidInput):
    pass


class AttributeFilterRepeated(InvalidInput):
    pass


class PriceRangeEmpty(InvalidInput):
    pass


class PriceNegative(InvalidInput):
    pass


def query_from_wire(request: pb.SearchProductsRequest) -> SearchQuery:
    """
    Raises:
        InvalidInput: One of its fields is malformed; names it.
    """
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"a page has 1 to {LARGEST_PAGE} products", field="page_size")
    least = _bound(request, "min_price")
    most = _bound(request, "max_price")
    if least and most and least.currency != most.currency:
        raise CurrencyMismatch(
            f"max_price must be in {least.currency} as min_price is", field="max_price"
        )
    if least and most and least.minor_units > most.minor_units:
        raise PriceRangeEmpty("min_price must not be above max_price", field="min_price")
    priced = least or most
    query = SearchQuery(
        words=check_text(request.query, "query", most=MOST_QUERY),
        category_id=parse_id(request.category_id, "category_id") if request.category_id else None,
        attributes=_filters_from_wire(request.attributes),
        currency=priced.currency if priced else "",
        least=least.minor_units if least else None,
        most=most.minor_units if most else None,
        order=_order_from_wire(request),
        page_size=request.page_size or DEFAULT_PAGE,
        with_facets=not request.without_facets,
    )
    if request.page_token:
        return replace(query, after=_place_from_wire(request.page_token, query))
    return query


def found_to_wire(
    found: Found, products: Sequence[pb.Product], query: SearchQuery
) -> pb.SearchProductsResponse:
    return pb.SearchProductsResponse(
        products=products,
        next_page_token=_place_to_wire(found.next, query) if found.next else "",
        total_size=found.total,
        is_partial=found.is_partial,
        corrected_query=found.corrected,
        facets=[_facet_to_wire(facet) for facet in found.facets],
        limitation=found.limitation,
    )


def _facet_to_wire(facet: Facet) -> pb.Facet:
    return pb.Facet(
        name=facet.name,
        values=[
            pb.FacetValue(value=value.value, title=value.title, count=value.count)
            for value in facet.values
        ],
    )


def _bound(request: pb.SearchProductsRequest, field: str) -> Money | None:
    if not request.HasField(field):
        return None
    money = money_from_wire(getattr(request, field), field)
    if money.minor_units < 0:
        raise PriceNegative(f"{field} must not be below zero", field=field)
    return money


def _order_from_wire(request: pb.SearchProductsRequest) -> SearchOrder:
    has_words = bool(request.query.strip())
    # By relevance without words, all are equally good: then too, the newest come first.
    orders = {
        pb.SEARCH_ORDER_UNSPECIFIED: SearchOrder.RELEVANCE if has_words else SearchOrder.NEWEST,
        pb.SEARCH_ORDER_RELEVANCE: SearchOrder.RELEVANCE if has_words else SearchOrder.NEWEST,
        pb.SEARCH_ORDER_NEWEST: SearchOrder.NEWEST,
        pb.SEARCH_ORDER_CHEAPEST: SearchOrder.CHEAPEST,
        pb.SEARCH_ORDER_DEAREST: SearchOrder.DEAREST,
    }
    if request.order not in orders:
        raise SearchOrderUnknown(f"there is no order {request.order}", field="order")
    return orders[request.order]


def _filters_from_wire(
    wire: Sequence[pb.AttributeFilter],
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if len(wire) > MOST_FILTERS:
        raise AttributeFiltersOutOfRange(
            f"filter by at most {MOST_FILTERS} attributes", field="attributes"
        )
    filters: dict[str, tuple[str, ...]] = {}
    for number, each in enumerate(wire):
        path = f"attributes[{number}]"
        name = check_text(each.name, f"{path}.name", least=1, most=64)
        if name in filters:
            raise AttributeFilterRepeated(f"{name!r} is there twice", field=f"{path}.name")
        if not 1 <= len(each.values) <= MOST_VALUES:
            raise AttributeFiltersOutOfRange(
                f"{path} must have 1 to {MOST_VALUES} values", field=f"{path}.values"
            )
        filters[name] = tuple(
            check_text(value, f"{path}.values[{place}]", most=1_000)
            for place, value in enumerate(each.values)
        )
    return tuple(filters.items())


def _place_to_wire(place: Place, query: SearchQuery) -> str:
    token = _TOKEN.pack(
        place.score, place.product_id.bytes, place.currency.encode(), _fingerprint(query)
    )
    return urlsafe_b64encode(token).decode().rstrip("=")


def _place_from_wire(token: str, query: SearchQuery) -> Place:
    try:
        score, product_id, currency, asked = _TOKEN.unpack(
            urlsafe_b64decode(token + "=" * (-len(token) % 4))
        )
        place = Place(
            score=score,
            product_id=ProductId(UUID(bytes=product_id)),
            currency=Money(0, currency.decode("ascii")).currency if currency.strip(b"\0") else "",
        )
    except (binascii.Error, struct.error, ValueError, InvalidInput):
        place, asked = None, b""
    if place is None or asked != _fingerprint(query):
        raise PageTokenInvalid(
            "page_token must be one that an earlier page of the same search came with",
            field="page_token",
        )
    return place


def _fingerprint(query: SearchQuery) -> bytes:
    # How much of it is shown may differ from page to page.
    same = replace(query, after=None, page_size=0, with_facets=True)
    return blake2b(repr(same).encode(errors="surrogatepass"), digest_size=8).digest()
