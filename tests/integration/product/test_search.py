import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import event, text

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from deploy.local.databases import asyncpg_url
from services.product.adapters.search.index import WITHOUT_TRIGRAMS, SqlSearchIndex
from services.product.application.ports.search import SearchEntry, SearchOrder, SearchQuery
from services.product.application.products.announce_prices import announce_prices
from services.product.application.products.archive_product import ArchiveProduct, archive_product
from services.product.application.products.create_product import CreateProduct, create_product
from services.product.application.products.index_products import index_products
from services.product.application.products.publish_product import PublishProduct, publish_product
from services.product.application.products.search_products import search_products
from services.product.domain.price import Price
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant

TRIGRAMS = import_module("services.product.migrations.versions.0005_search").TRIGRAMS

MANY_PRODUCTS = text(
    """
    INSERT INTO products (id, version, event_count, trace, title, description, state, created_at,
        updated_at)
    SELECT gen_random_uuid(), 1, 0, trace, title, description, state, created_at, updated_at
    FROM products, generate_series(1, 10000)
    """
)
MANY_ENTRIES = text(
    """
    INSERT INTO search_entries
        (product_id, title, document, category_ids, attributes, created_at)
    SELECT id, entry.title, entry.document, entry.category_ids, entry.attributes,
        entry.created_at
    FROM products, search_entries entry WHERE event_count = 0
    """
)


async def sell(
    replica, title, *, sku="", description="", price=10_00, currency="EUR", **attributes
):
    variant = Variant(
        sku=Sku(sku or f"SKU-{uuid4()}".upper()),
        price=Money(price, currency),
        attributes=tuple(sorted(attributes.items())),
    )
    command = CreateProduct(
        request_id=uuid4(),
        content=ProductContent(title=title, description=description, variants=(variant,)),
    )
    product = await create_product(command, uow=replica.uow, clock=replica.clock)
    await publish_product(
        PublishProduct(product_id=product.id), uow=replica.uow, clock=replica.clock
    )
    return product.id


async def search(replica, words="", **more):
    more.setdefault("order", SearchOrder.RELEVANCE if words else SearchOrder.NEWEST)
    return await search_products(SearchQuery(words=words, **more), uow=replica.uow)


async def titles(replica, words="", **more):
    _, products = await search(replica, words, **more)
    return [product.title for product in products]


def facet(found, name):
    return {
        value.value: value.count
        for each in found.facets
        if each.name == name
        for value in each.values
    }


async def test_a_title_matters_more_than_a_description(replica):
    await sell(replica, "Desk lamp")
    await sell(replica, "Desk", description="Stands beside a lamp.")
    await sell(replica, "Chair")

    assert await titles(replica, "lamp") == ["Desk lamp", "Desk"]


@pytest.mark.parametrize(
    "words",
    ["größe", "GROSSE lamps", "lamp", "nl-Lmp.01/A", "nllmp01a", "lmp 01", "grosse-la", "the lamp"],
)
async def test_words_are_found_in_any_of_their_forms(replica, words):
    await sell(replica, "Größe Lamps", sku="NL-LMP.01/A")
    await sell(replica, "Chair")

    assert await titles(replica, words) == ["Größe Lamps"]


async def test_the_last_word_may_be_unfinished(replica):
    await sell(replica, "Brass lantern")

    assert await titles(replica, "brass lant") == ["Brass lantern"]
    assert await titles(replica, "bra lantern") == []


@pytest.mark.parametrize("words", ["lanten", "latnern", "brass lanterm", "lantrn"])
async def test_a_typing_error_is_forgiven_and_told(replica, words):
    await sell(replica, "Brass lantern")
    await sell(replica, "Chair")

    found, products = await search(replica, words)

    assert [product.title for product in products] == ["Brass lantern"]
    assert found.corrected.endswith("lantern")
    assert found.limitation == ""


async def test_a_known_word_a_number_and_a_wild_word_are_not_corrected(replica):
    await sell(replica, "Lamp 4711", sku="LAMP-4711")

    for words in ("lamps", "4712", "xylophone"):
        found, _ = await search(replica, words)
        assert found.corrected == ""


async def test_without_trigrams_searches_work_and_say_what_is_missing(replica, migrated):
    await sell(replica, "Brass lantern")
    urls = await migrated("product")
    admin = await asyncpg.connect(asyncpg_url(urls.admin))
    owner = await asyncpg.connect(asyncpg_url(urls.owner))
    try:
        await admin.execute("DROP EXTENSION pg_trgm CASCADE")
        exact, products = await search(replica, "lant")
        mistyped, nothing = await search(replica, "lanten")
    finally:
        await owner.execute(TRIGRAMS)
        await admin.close()
        await owner.close()

    assert [product.title for product in products] == ["Brass lantern"]
    assert nothing == []
    assert exact.limitation == mistyped.limitation == WITHOUT_TRIGRAMS
    found, _ = await search(replica, "lanten")
    assert found.corrected == "lantern"


async def test_a_migration_that_may_not_add_the_extension_goes_on_without(migrated):
    urls = await migrated("product")
    admin = await asyncpg.connect(asyncpg_url(urls.admin))
    app = await asyncpg.connect(asyncpg_url(urls.app))
    try:
        await admin.execute("DROP EXTENSION pg_trgm CASCADE")
        await app.execute(TRIGRAMS)
        assert await app.fetchval("SELECT to_regclass('ix_search_words_trigrams')") is None
    finally:
        owner = await asyncpg.connect(asyncpg_url(urls.owner))
        await owner.execute(TRIGRAMS)
        for connection in (admin, app, owner):
            await connection.close()


async def test_only_what_is_for_sale_is_found(replica):
    id_ = await sell(replica, "Lamp")
    draft = CreateProduct(
        request_id=uuid4(),
        content=ProductContent(
            title="Lamp in the making",
            description="",
            variants=(Variant(sku=Sku("DRAFT"), price=Money(1, "EUR")),),
        ),
    )
    await create_product(draft, uow=replica.uow, clock=replica.clock)
    assert await titles(replica, "lamp") == ["Lamp"]

    await archive_product(ArchiveProduct(product_id=id_), uow=replica.uow, clock=replica.clock)

    assert await titles(replica, "lamp") == []


async def test_a_transaction_that_fails_leaves_nothing_to_find(replica):
    id_ = await sell(replica, "Lamp")
    with pytest.raises(ZeroDivisionError):
        async with replica.uow() as tx:
            product = await tx.products.lock(id_)
            product.revise(replace(product.content, title="Chair"), now=replica.clock())
            await tx.products.save(product)
            raise ZeroDivisionError

    assert await titles(replica, "lamp") == ["Lamp"]
    assert await titles(replica, "chair") == []


async def test_filters_take_one_of_the_values_of_each_name(replica):
    await sell(replica, "Red", colour="red", size="S")
    await sell(replica, "Blue", colour="blue", size="S")
    await sell(replica, "Green", colour="green", size="L")

    found, products = await search(
        replica, attributes=(("colour", ("red", "green")), ("size", ("S",)))
    )

    assert [product.title for product in products] == ["Red"]
    # What is not chosen is still counted, under the filters of all other facets.
    assert facet(found, "attributes.colour") == {"blue": 1, "red": 1}
    assert facet(found, "attributes.size") == {"L": 1, "S": 1}


async def test_prices_filter_in_their_currency_and_are_counted_in_ranges(replica):
    for number in range(1, 31):
        await sell(replica, f"Lamp {number}", price=number * 100)
    await sell(replica, "Pound lamp", price=500, currency="GBP")

    found, _ = await search(replica, "lamp", currency="EUR", least=10_00, most=12_00)
    by_price = await titles(
        replica, "lamp", order=SearchOrder.DEAREST, currency="EUR", least=10_00, most=12_00
    )

    assert by_price == ["Lamp 12", "Lamp 11", "Lamp 10"]
    assert found.total == 3
    ranges = facet(found, "price")
    assert 4 <= len(ranges) <= 6
    assert sum(ranges.values()) == 30
    assert "15.00–20.00 EUR" in ranges
    assert await titles(replica, "lamp", currency="GBP", most=10**18) == ["Pound lamp"]


async def test_categories_are_those_just_below_with_what_is_under_them(replica):
    home, light, desk = (UUID(int=number) for number in (1, 2, 3))
    id_ = await sell(replica, "Desk lamp")
    async with replica.database.begin() as tx:
        insert = text(
            "INSERT INTO categories"
            " (id, version, event_count, trace, parent_id, name, attributes, path, deleted)"
            " VALUES (:id, 1, 0, '', :parent, :name, '[]', CAST(:path AS uuid[]), false)"
        )
        for path, name in (
            ([home], "Home"),
            ([home, light], "Light"),
            ([home, light, desk], "Desk"),
        ):
            parent = path[-2] if path[1:] else None
            await tx.run(insert, {"id": path[-1], "parent": parent, "name": name, "path": path})
    async with replica.uow() as tx:
        tx.search.put([an_entry(id_, title="Desk lamp", category_ids=(desk,))])

    everything, _ = await search(replica)
    inside, products = await search(replica, "light", category_id=home)
    elsewhere, none = await search(replica, category_id=uuid4())

    assert facet(everything, "category") == {str(home): 1}
    assert facet(inside, "category") == {str(light): 1}
    assert len(products) == 1
    assert none == []
    assert elsewhere.total == 0


@pytest.mark.parametrize("order", SearchOrder)
async def test_pages_show_everything_once_in_the_order_asked(replica, order):
    for number in range(23):
        await sell(replica, "Lamp" + " lamp" * (number % 3), price=1_00 + number % 5)
    whole, _ = await search(replica, "lamp", order=order, page_size=100)

    pages, after = [], None
    while True:
        found, _ = await search(replica, "lamp", order=order, page_size=5, after=after)
        pages += found.product_ids
        if found.next is None:
            break
        after = found.next

    assert tuple(pages) == whole.product_ids
    assert len(set(pages)) == 23 == whole.total


async def test_more_than_can_be_counted_is_called_partial(replica):
    await sell(replica, "Lamp")
    async with replica.database.begin() as tx:
        await tx.run(MANY_PRODUCTS)
        await tx.run(MANY_ENTRIES)

    found, _ = await search(replica, "lamp")

    assert (found.total, found.is_partial) == (5_000, True)


@pytest.mark.parametrize(
    "words",
    [
        "a" * 200,
        "the",
        "the and of",
        "lamp & | ! <-> :* (",
        "'; DROP TABLE products; --",
        "\\' \\\\ ''",
        "🦄",
        "مصباح",
        "%_",
        "日本語 " * 40,
        " \t\n ",
        "\u202elamp",
        "²½",
        "x:A*",
    ],
)
async def test_no_query_breaks_a_search(replica, words):
    await sell(replica, "Lamp")

    found, products = await search(replica, words)

    assert found.total == len(products)
    assert await titles(replica, "lamp") == ["Lamp"]


async def test_a_query_of_nothing_finds_everything_and_one_without_words_nothing(replica):
    await sell(replica, "Lamp")

    assert await titles(replica, "  ") == ["Lamp"]
    assert await titles(replica, "🦄!?") == []


async def test_a_product_of_very_many_words_can_be_found(replica):
    values = {f"name{number}": f"{number:0100}" * 9 for number in range(50)}
    description = " ".join(f"w{number}" for number in range(2000))[:10_000]

    await sell(replica, "Lamp", description=description, **values)

    assert await titles(replica, "lamp w7") == ["Lamp"]


async def test_writers_of_the_same_words_never_wait_in_a_circle(replica, replicas):
    letters = "abcdefghijklmnop"
    words = [f"word{a}{b}{c}" for a in letters for b in letters for c in letters]
    ids = [await sell(replica, f"Lamp {number}") for number in range(4)]
    together = asyncio.Barrier(4)

    async def write(number):
        some = words if number % 2 else words[::-1]
        async with replicas[number % 2].database.begin() as tx:
            SqlSearchIndex(tx).put([an_entry(ids[number], title=" ".join(some))])
            # All are about to write their words, and start at once.
            tx.before_commit(together.wait)

    await asyncio.gather(*(write(number) for number in range(4)))

    assert (await search(replica, "wordaaa"))[0].total == 4


@pytest.mark.parametrize(("words", "expected"), [("lamp", 3), ("lanp", 5), ("", 3)])
async def test_a_search_takes_a_fixed_number_of_statements(replica, words, expected):
    for number in range(30):
        await sell(replica, "Lamp", colour=f"colour{number}")
    counted = []
    engine = replica.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *given: counted.append(given[2]))

    await search(replica, words, page_size=30, attributes=(("colour", ("colour1", "colour2")),))

    assert len(counted) == expected


def an_entry(product_id, **more):
    entry = SearchEntry(
        product_id=ProductId(product_id),
        title="",
        description="",
        handle="",
        skus=(),
        category_ids=(),
        attributes={},
        prices={"EUR": (1, 1)},
        created_at=datetime(2026, 1, 5, tzinfo=UTC),
    )
    return replace(entry, **more)


async def test_products_from_before_there_was_a_search_are_found_once_the_index_is_filled(replica):
    await sell(replica, "Desk lamp")
    await sell(replica, "Floor lamp")
    async with replica.database.begin() as tx:
        await tx.run(text("DELETE FROM search_prices"))
        await tx.run(text("DELETE FROM search_entries"))
    assert await titles(replica, "lamp") == []

    filled = [await index_products(uow=replica.uow, clock=replica.clock, limit=1) for _ in range(3)]

    assert filled == [1, 1, 0]
    assert len(await titles(replica, "lamp")) == 2


async def test_a_scheduled_price_is_searched_for_once_it_holds(replica):
    id_ = await sell(replica, "Lamp", price=50_00)
    later = replica.clock() + timedelta(hours=1)
    async with replica.uow() as tx:
        product = await tx.products.lock(id_)
        (variant,) = product.variants
        sale = Price(amount=Money(10_00, "EUR"), starts_at=later)
        product.set_prices({variant.sku: (variant.price, (sale,))}, now=replica.clock())
        await tx.products.save(product)
    assert await titles(replica, "lamp", currency="EUR", most=20_00) == []

    replica.clock.wait(hours=1)
    await announce_prices(uow=replica.uow, clock=replica.clock)

    assert await titles(replica, "lamp", currency="EUR", most=20_00) == ["Lamp"]


async def test_a_product_of_which_nothing_is_left_to_sell_is_not_found(replica):
    id_ = await sell(replica, "Lamp")
    async with replica.uow() as tx:
        product = await tx.products.lock(id_)
        (variant,) = product.variants
        retired = replace(product.content, variants=(replace(variant, retired=True),))
        product.revise(retired, now=replica.clock())
        await tx.products.save(product)

    assert await titles(replica, "lamp") == []
    # Nor is it put back by the job that looks for what is missing.
    assert await index_products(uow=replica.uow, clock=replica.clock) == 0
