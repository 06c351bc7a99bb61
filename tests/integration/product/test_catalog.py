import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from chassis.kernel.errors import Conflict, DomainError
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.application.categories.create_category import CreateCategory, create_category
from services.product.application.categories.delete_category import DeleteCategory, delete_category
from services.product.application.categories.update_category import UpdateCategory, update_category
from services.product.application.ports.products import HandleTaken, ProductFilter
from services.product.application.products.announce_prices import announce_prices
from services.product.application.products.archive_product import ArchiveProduct, archive_product
from services.product.application.products.batch_get_variants import (
    BatchGetVariants,
    batch_get_variants,
)
from services.product.application.products.import_products import (
    Imported,
    ImportProduct,
    import_products,
)
from services.product.application.products.set_prices import SetPrices, set_prices
from services.product.application.products.update_product import UpdateProduct, update_product
from services.product.domain.attributes import AttributeDefinition, AttributeType
from services.product.domain.category import (
    Branch,
    CategoryBelowItself,
    CategoryInUse,
    CategoryUnknown,
)
from services.product.domain.media import Media
from services.product.domain.price import Price
from services.product.domain.product import ProductState
from services.product.domain.product_content import ProductContent
from services.product.domain.values import EtagMismatch
from services.product.domain.variant import Variant
from tests.integration.counting import counted

PRICE = Money(19_99, "EUR")
TOLD = text("SELECT count(*) FROM outbox WHERE subject = 'retail.product.v1.PriceChanged'")


def a_product(handle, *skus, price=PRICE, publish=True, prices=(), **more):
    variants = tuple(
        Variant(sku=Sku(sku), price=price, prices=prices) for sku in skus or (handle.upper(),)
    )
    content = ProductContent(
        title=f"A {handle}", description="", handle=handle, variants=variants, **more
    )
    return ImportProduct(content=content, publish=publish)


async def bring(replica, *commands):
    answers = await import_products(commands, uow=replica.uow, clock=replica.clock)
    return [a.reason if isinstance(a, DomainError) else a.outcome.value for a in answers]


async def brought(replica, command):
    (answer,) = await import_products([command], uow=replica.uow, clock=replica.clock)
    assert isinstance(answer, Imported)
    return await read(replica, answer.product_id)


async def read(replica, product_id):
    async with replica.uow() as tx:
        return await tx.products.get(product_id)


async def change(replica, product, *, etag="", **changes):
    command = UpdateProduct(product_id=product.id, etag=etag, changes=changes)
    return await update_product(command, uow=replica.uow, clock=replica.clock)


async def a_category(replica, name, parent=None, *attributes):
    branch = Branch(parent_id=parent and parent.id, name=name, attributes=attributes)
    command = CreateCategory(request_id=uuid4(), branch=branch)
    category, _ = await create_category(command, uow=replica.uow, clock=replica.clock)
    return category


async def move(replica, category, to):
    changes = {"parent_id": to and to.id}
    command = UpdateCategory(category_id=category.id, etag="", changes=changes)
    return await update_category(command, uow=replica.uow)


async def test_everything_that_is_known_of_a_product_reads_back(replica, clock):
    lighting = await a_category(replica, "Lighting")
    command = a_product(
        "lamp",
        prices=(
            Price(amount=Money(17_99, "EUR"), min_quantity=10),
            Price(amount=Money(18, "USD"), starts_at=clock.now, ends_at=clock.now + timedelta(1)),
        ),
        category_ids=(lighting.id,),
        attributes=(("brand", "Northlight"), ("größe", '{"10,')),
        media=(Media(uri="https://example.org/l.webp", content_type="image/webp"),),
    )

    product = await brought(replica, command)

    assert product.content == command.content
    assert product.state is ProductState.ACTIVE
    assert product.next_price_at == clock.now + timedelta(1)


async def test_an_import_creates_updates_and_leaves_alone(replica):
    assert await bring(replica, a_product("lamp"), a_product("shade")) == ["CREATED"] * 2

    again = await bring(replica, a_product("lamp"), a_product("shade", price=Money(1, "EUR")))

    assert again == ["UNCHANGED", "UPDATED"]


async def test_a_bad_entry_harms_only_itself(replica):
    await bring(replica, a_product("lamp"))

    answers = await bring(
        replica,
        a_product("copy", "LAMP"),
        a_product("shade", "SHADE", "BULB"),
        a_product("bulb", "BULB"),
        a_product("cord", category_ids=(uuid4(),)),
        a_product("lamp", "OTHER"),
        a_product("socket"),
    )

    # Entries go by handle: "bulb" comes before "shade".
    assert answers == [
        "SKU_TAKEN",
        "SKU_TAKEN",
        "CREATED",
        "CATEGORY_UNKNOWN",
        "VARIANT_PUBLISHED",
        "CREATED",
    ]


async def test_the_same_import_twice_at_once_makes_each_product_once(replicas):
    commands = [a_product(f"lamp-{n}", f"L-{n}", f"M-{n}") for n in range(50)]

    answers = await asyncio.gather(
        *(bring(replicas[n % 2], *commands[:: 1 if n % 4 < 2 else -1]) for n in range(4))
    )

    everything = [answer for some in answers for answer in some]
    assert sorted(set(everything)) == ["CREATED", "UNCHANGED"]
    assert everything.count("CREATED") == 50
    await replicas[0].assert_balanced()


@pytest.mark.parametrize("size", [1, 100])
async def test_an_import_takes_as_many_statements_for_many_as_for_one(replica, size):
    lighting = await a_category(replica, "Lighting")

    def commands(price):
        return [
            a_product(f"p-{n}", f"A-{n}", f"B-{n}", price=price, category_ids=(lighting.id,))
            for n in range(size)
        ]

    await bring(replica, *commands(PRICE))
    new = [*commands(Money(5, "EUR")), a_product("new", category_ids=(lighting.id,))]
    with counted(replica.database) as statements:
        await bring(replica, *new)

    # Reads: products, their variants, owners, definitions, handles. Writes: new products, changed
    # ones, new variants, and the rest with the events. Four keep the search index.
    assert len(statements) == 13


async def test_of_two_updates_with_one_etag_one_is_done(replicas):
    lamp = await brought(replicas[0], a_product("lamp"))

    answers = await asyncio.gather(
        *(change(replicas[n % 2], lamp, etag=lamp.etag, title=f"Lamp {n}") for n in range(6)),
        return_exceptions=True,
    )

    assert [type(a) for a in answers if isinstance(a, Exception)] == [EtagMismatch] * 5
    await replicas[0].assert_balanced()


async def test_a_product_is_never_read_half_changed(replicas):
    writer, reader = replicas
    product = await brought(writer, a_product("lamp", publish=False))
    stop = asyncio.Event()

    async def look():
        while not stop.is_set():
            seen = await read(reader, product.id)
            assert seen.title in ("A lamp", seen.variants[0].sku)

    looking = asyncio.gather(*(look() for _ in range(3)))
    for number in range(100):
        variant = replace(product.variants[0], sku=Sku(f"LAMP-{number}"))
        await change(writer, product, title=variant.sku, variants=(variant,))
    stop.set()
    await looking


async def test_what_is_as_asked_stays_as_it_is_whatever_the_etag(replica):
    lamp = await brought(replica, a_product("lamp"))
    done = await change(replica, lamp, etag=lamp.etag, title="A better lamp")

    again = await change(replica, lamp, etag=lamp.etag, title="A better lamp")

    assert again.version == done.version


async def test_variants_of_a_draft_come_and_go_and_change_places(replica):
    lamp = await brought(replica, a_product("lamp", "A", "B", "C", publish=False))
    a, _, c = lamp.variants
    d = Variant(sku=Sku("D"), price=PRICE)

    await change(replica, lamp, variants=(d, c, a))

    assert (await read(replica, lamp.id)).variants == (d, c, a)


async def test_a_handle_belongs_to_one_product(replica):
    await bring(replica, a_product("lamp"))
    shade = await brought(replica, a_product("shade"))

    with pytest.raises(HandleTaken):
        await change(replica, shade, handle="lamp")


async def test_a_scheduled_price_is_told_once_by_two_replicas(replicas, clock):
    one, two = replicas
    sale = Price(
        amount=Money(9_99, "EUR"),
        starts_at=clock.now + timedelta(hours=1),
        ends_at=clock.now + timedelta(hours=2),
    )
    commands = [a_product(f"lamp-{n}", prices=(sale,)) for n in range(20)]
    await bring(one, *commands)
    async with one.database.begin() as tx:
        ((before,),) = await tx.rows(TOLD)

    for due in (20, 20, 0):
        clock.wait(hours=1)
        told = await asyncio.gather(
            *(
                announce_prices(uow=replica.uow, clock=clock, limit=7)
                for _ in range(3)
                for replica in (one, two)
            )
        )
        while more := await announce_prices(uow=one.uow, clock=clock, limit=7):
            told.append(more)
        assert sum(told) == due

    async with one.database.begin() as tx:
        assert (await tx.rows(TOLD))[0][0] - before == 40
    await one.assert_balanced()


async def test_a_sale_holds_on_time_though_nobody_has_announced_it(replica, clock):
    sale = Price(amount=Money(9_99, "EUR"), starts_at=clock.now + timedelta(hours=1))
    dozen = Price(amount=Money(8_88, "EUR"), min_quantity=12)
    await bring(replica, a_product("lamp", prices=(sale, dozen)))
    query = BatchGetVariants(skus=[Sku("LAMP")])

    clock.wait(hours=1)

    (offer,) = await batch_get_variants(query, uow=replica.uow, clock=clock)
    assert offer.price == Money(9_99, "EUR")
    assert offer.breaks == ((12, Money(8_88, "EUR")),)


async def test_prices_are_set_by_sku_and_the_same_again_change_nothing(replica):
    lamp = await brought(replica, a_product("lamp", "A", "B"))
    commands = [
        SetPrices(sku=Sku(sku), price=Money(5_00, "EUR"), prices=()) for sku in ("A", "NONE")
    ]

    for _ in "12":
        answers = await set_prices(commands, uow=replica.uow, clock=replica.clock)

    assert answers[0].price == Money(5_00, "EUR")
    assert answers[1].reason == "SKU_UNKNOWN"
    assert (await read(replica, lamp.id)).version == lamp.version + 1


async def test_an_archived_product_is_sold_no_more(replica):
    lamp = await brought(replica, a_product("lamp"))

    await archive_product(ArchiveProduct(product_id=lamp.id), uow=replica.uow, clock=replica.clock)

    query = BatchGetVariants(skus=[Sku("LAMP")])
    assert await batch_get_variants(query, uow=replica.uow, clock=replica.clock) == []
    assert await bring(replica, a_product("lamp", price=Money(1, "EUR"))) == ["PRODUCT_ARCHIVED"]


async def test_products_are_listed_by_state_subtree_and_change(replica, clock):
    lighting = await a_category(replica, "Lighting")
    lamps = await a_category(replica, "Lamps", lighting)
    one = await brought(replica, a_product("lamp", category_ids=(lamps.id,)))
    await brought(replica, a_product("cup"))
    clock.wait(hours=1)
    two = await brought(replica, a_product("shade", publish=False, category_ids=(lighting.id,)))

    async def listed(**wanted):
        async with replica.uow() as tx:
            page = await tx.products.page(ProductFilter(**wanted), after=None, limit=9)
        return [product.id for product in page]

    assert await listed(category_id=lighting.id) == [one.id, two.id]
    assert await listed(category_id=lamps.id) == [one.id]
    assert await listed(category_id=lighting.id, state=ProductState.DRAFT) == [two.id]
    assert await listed(updated_since=clock.now) == [two.id]


async def test_two_moves_at_once_make_no_circle(replicas):
    for _ in range(5):
        one = await a_category(replicas[0], f"One {uuid4()}")
        two = await a_category(replicas[0], f"Two {uuid4()}")

        answers = await asyncio.gather(
            move(replicas[0], one, two), move(replicas[1], two, one), return_exceptions=True
        )

        assert [type(a) for a in answers if isinstance(a, Exception)] == [CategoryBelowItself]
    await replicas[0].assert_balanced()


async def test_what_is_below_moves_along(replica):
    top, other = await a_category(replica, "Top"), await a_category(replica, "Other")
    middle = await a_category(replica, "Middle", top)
    leaf = await a_category(replica, "Leaf", middle)

    await move(replica, middle, other)

    async with replica.uow() as tx:
        tree = await tx.categories.tree()
    assert tree.names_of(tree.get(leaf.id)) == ("Other", "Middle", "Leaf")


async def test_a_category_is_read_with_those_above_it_and_no_others(replica):
    lighting, tools = await a_category(replica, "Lighting"), await a_category(replica, "Tools")
    lamps = await a_category(replica, "Lamps", lighting)
    gone = await a_category(replica, "Gone", tools)
    await a_category(replica, "Desk lamps", lamps)
    await delete_category(DeleteCategory(category_id=gone.id), uow=replica.uow)

    async with replica.uow() as tx:
        branch = await tx.categories.branch(lamps.id)
        assert gone.id not in {each.id for each in await tx.categories.branch(gone.id)}

    assert [each.id for each in branch] == [lighting.id, lamps.id]
    assert branch.names_of(branch.get(lamps.id)) == ("Lighting", "Lamps")


async def test_a_category_with_products_stays(replicas):
    lighting = await a_category(replicas[0], "Lighting")
    cut = delete_category(DeleteCategory(category_id=lighting.id), uow=replicas[1].uow)
    add = bring(replicas[0], a_product("lamp", category_ids=(lighting.id,)))

    kept, (outcome,) = await asyncio.gather(cut, add, return_exceptions=True)

    assert isinstance(kept, CategoryInUse) == (outcome == "CREATED")
    assert outcome in ("CREATED", "CATEGORY_UNKNOWN")
    await replicas[0].assert_balanced()


async def test_what_is_archived_keeps_no_category(replica):
    lighting = await a_category(replica, "Lighting")
    await bring(replica, a_product("lamp", category_ids=(lighting.id,)))
    command = DeleteCategory(category_id=lighting.id)
    with pytest.raises(CategoryInUse):
        await delete_category(command, uow=replica.uow)
    async with replica.uow() as tx:
        (lamp,) = (await tx.products.lock_handles({"lamp"})).values()

    await archive_product(ArchiveProduct(product_id=lamp.id), uow=replica.uow, clock=replica.clock)
    await delete_category(command, uow=replica.uow)

    with pytest.raises(CategoryUnknown):
        await a_category(replica, "Lamps", lighting)


async def test_definitions_are_inherited_and_checked(replica):
    watts = AttributeDefinition(name="watts", type=AttributeType.NUMBER, required=True)
    lighting = await a_category(replica, "Lighting", None, watts)
    lamps = await a_category(replica, "Lamps", lighting)

    answers = await bring(
        replica,
        a_product("a", category_ids=(lamps.id,), attributes=(("watts", "much"),)),
        a_product("b", category_ids=(lamps.id,)),
        a_product("c", category_ids=(lamps.id,), attributes=(("watts", "12.5"),)),
    )

    assert answers == ["ATTRIBUTE_MALFORMED", "ATTRIBUTE_MISSING", "CREATED"]


async def test_a_stale_product_is_not_saved(replica):
    lamp = await brought(replica, a_product("lamp"))
    stale = await read(replica, lamp.id)
    await change(replica, lamp, title="A better lamp")

    async def save():
        async with replica.uow() as tx:
            stale.archive(now=replica.clock())
            await tx.products.save(stale)

    with pytest.raises(Conflict):
        await save()
