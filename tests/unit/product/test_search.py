from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from retail.product.v1 import product_service_pb2 as pb
from services.product.adapters.search import words
from services.product.adapters.search.facets import price_ranges
from services.product.application.ports.search import (
    Found,
    Place,
    SearchOrder,
    SearchQuery,
    entry_of,
)
from services.product.application.products.search_products import search_products
from services.product.domain.product import Product
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant
from services.product.wire import search

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
EURO = WireMoney(currency_code="EUR", units=1)
NEXT = Place(score=-5, product_id=ProductId(UUID(int=7)), currency="EUR")


def a_product(*variants):
    return Product.draft(
        ProductId(UUID(int=7)),
        ProductContent(
            title="Lamp",
            description="Lights.",
            variants=variants or (Variant(sku=Sku("LAMP"), price=Money(10_00, "EUR")),),
        ),
        now=NOON,
    )


def token_of(request, place=NEXT):
    found = Found(product_ids=(), next=place, total=0)
    return search.found_to_wire(found, [], search.query_from_wire(request)).next_page_token


def test_an_entry_has_all_values_and_the_span_of_prices():
    product = a_product(
        Variant(sku=Sku("A"), price=Money(3, "EUR"), attributes=(("colour", "red"),)),
        Variant(sku=Sku("B"), price=Money(1, "EUR"), attributes=(("colour", "blue"),)),
        Variant(sku=Sku("C"), price=Money(9, "GBP"), attributes=(("colour", "red"),)),
    )

    entry = entry_of(product, NOON)

    assert entry.skus == ("A", "B", "C")
    assert entry.attributes == {"colour": ("red", "blue")}
    assert entry.prices == {"EUR": (1, 3), "GBP": (9, 9)}


async def test_what_is_published_is_found(world):
    product = a_product()
    product.publish(now=NOON)
    async with world.uow() as tx:
        await tx.products.save(product)

    found, products = await search_products(SearchQuery(words="Lamp"), uow=world.uow)

    assert found.total == 1
    assert [each.id for each in products] == [product.id]


@pytest.mark.parametrize("score", [0, 1, -1, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("currency", ["", "EUR"])
def test_a_page_token_reads_back(score, currency):
    request = pb.SearchProductsRequest(query="lamp")
    place = replace(NEXT, score=score, currency=currency)

    request.page_token = token_of(request, place)
    request.page_size = 7

    assert search.query_from_wire(request).after == place


@pytest.mark.parametrize(
    "other",
    [
        pb.SearchProductsRequest(query="lamps"),
        pb.SearchProductsRequest(query="lamp", order=pb.SEARCH_ORDER_NEWEST),
        pb.SearchProductsRequest(query="lamp", min_price=EURO),
        pb.SearchProductsRequest(
            query="lamp", attributes=[pb.AttributeFilter(name="colour", values=["red"])]
        ),
        pb.SearchProductsRequest(query="lamp", category_id=str(UUID(int=1))),
    ],
)
def test_a_page_token_is_good_for_its_own_search_only(other):
    other.page_token = token_of(pb.SearchProductsRequest(query="lamp"))

    with pytest.raises(InvalidInput) as refused:
        search.query_from_wire(other)

    assert (refused.value.reason, refused.value.field) == ("PAGE_TOKEN_INVALID", "page_token")


@pytest.mark.parametrize("currency", ["G\0P", "\0\0P", "eur", "E U", "\x7f\x7f\x7f"])
def test_a_forged_page_token_is_refused(currency):
    request = pb.SearchProductsRequest(query="lamp")
    request.page_token = token_of(request, replace(NEXT, currency=currency))

    with pytest.raises(InvalidInput) as refused:
        search.query_from_wire(request)

    assert refused.value.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize(
    ("request_", "reason", "field"),
    [
        (pb.SearchProductsRequest(query="x" * 201), "TEXT_MALFORMED", "query"),
        (pb.SearchProductsRequest(query="a\0b"), "TEXT_MALFORMED", "query"),
        (pb.SearchProductsRequest(category_id="x"), "NOT_A_UUID", "category_id"),
        (pb.SearchProductsRequest(order=9), "SEARCH_ORDER_UNKNOWN", "order"),
        (pb.SearchProductsRequest(page_size=101), "PAGE_SIZE_OUT_OF_RANGE", "page_size"),
        (pb.SearchProductsRequest(page_token="é!"), "PAGE_TOKEN_INVALID", "page_token"),
        (pb.SearchProductsRequest(page_token="AAAA"), "PAGE_TOKEN_INVALID", "page_token"),
        (
            pb.SearchProductsRequest(
                attributes=[pb.AttributeFilter(name=f"n{n}", values=["v"]) for n in range(100)]
            ),
            "ATTRIBUTE_FILTERS_OUT_OF_RANGE",
            "attributes",
        ),
        (
            pb.SearchProductsRequest(attributes=[pb.AttributeFilter(name="n")]),
            "ATTRIBUTE_FILTERS_OUT_OF_RANGE",
            "attributes[0].values",
        ),
        (
            pb.SearchProductsRequest(attributes=2 * [pb.AttributeFilter(name="n", values=["v"])]),
            "ATTRIBUTE_FILTER_REPEATED",
            "attributes[1].name",
        ),
        (
            pb.SearchProductsRequest(
                min_price=EURO, max_price=WireMoney(currency_code="GBP", units=2)
            ),
            "CURRENCY_MISMATCH",
            "max_price",
        ),
        (
            pb.SearchProductsRequest(
                max_price=EURO, min_price=WireMoney(currency_code="EUR", units=2)
            ),
            "PRICE_RANGE_EMPTY",
            "min_price",
        ),
        (
            pb.SearchProductsRequest(max_price=WireMoney(currency_code="EUR", units=2**62)),
            "AMOUNT_OUT_OF_RANGE",
            "max_price",
        ),
        (
            pb.SearchProductsRequest(min_price=WireMoney(currency_code="EUR", units=-1)),
            "PRICE_NEGATIVE",
            "min_price",
        ),
    ],
)
def test_a_malformed_search_is_refused_by_its_field(request_, reason, field):
    with pytest.raises(InvalidInput) as refused:
        search.query_from_wire(request_)

    assert (refused.value.reason, refused.value.field) == (reason, field)


def test_without_words_the_newest_come_first():
    assert search.query_from_wire(pb.SearchProductsRequest(query=" ")).order is SearchOrder.NEWEST
    assert search.query_from_wire(pb.SearchProductsRequest(query="x")).order is (
        SearchOrder.RELEVANCE
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("Größe", ["grosse"]), ("Lego™ set", ["lego", "set"]), ("20℃", ["20", "c"]), ("ℋ", ["h"])],
)
def test_words_meet_in_one_form(text, found):
    assert [part for term in words.terms_of(text) for part in term.parts] == found


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("lmap", "lamp"), ("lam", "lamp"), ("lamq", "lamp"), ("lantren", "lantern"), ("la", "la")],
)
def test_the_nearest_word_within_a_slip_or_two_is_meant(typed, meant):
    assert words.nearest(typed, ["chair", "lantern", "lamp"]) == meant


def test_a_word_too_far_from_all_others_stays():
    assert words.nearest("lump", ["leap", "chair"]) == "lump"


def test_price_ranges_share_products_evenly():
    counts = [(number, 10) for number in range(1, 31)]

    ranges = price_ranges(counts, "EUR")

    assert [each.count for each in ranges] == [50] * 6
    assert ranges[0].value == "0.10–0.75 EUR"
