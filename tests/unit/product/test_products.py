from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from chassis.kernel.errors import Conflict, InvalidInput, RuleViolated
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.application.ports.products import ProductNotFound, SkuTaken
from services.product.application.products.batch_get_variants import (
    BatchGetVariants,
    batch_get_variants,
)
from services.product.application.products.create_product import CreateProduct, create_product
from services.product.application.products.import_products import ImportProduct, import_products
from services.product.application.products.list_products import ListProducts, list_products
from services.product.application.products.publish_product import PublishProduct, publish_product
from services.product.domain.events import ProductCreated, ProductPublished
from services.product.domain.product import ProductIsArchived, ProductState
from services.product.domain.product_content import ProductContent
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant

PRICE = Money(19_99, "EUR")


def a_lamp(number=1, *, sku="LAMP", title="A lamp"):
    variant = Variant(sku=Sku(sku), price=PRICE)
    content = ProductContent(title=title, description="", variants=(variant,))
    return CreateProduct(request_id=UUID(int=number), content=content)


async def create(world, command):
    return await create_product(command, uow=world.uow, clock=world.clock)


async def publish(world, product_id):
    return await publish_product(
        PublishProduct(product_id=product_id), uow=world.uow, clock=world.clock
    )


async def test_a_new_product_is_a_draft_and_not_sold_yet(world):
    product = await create(world, a_lamp())

    async with world.uow() as tx:
        assert await tx.products.sold_variants([Sku("LAMP")]) == []
    assert product.state is ProductState.DRAFT
    assert world.events == [ProductCreated(product_id=product.id, title="A lamp", handle="")]


async def test_the_same_request_again_creates_nothing(world):
    first = await create(world, a_lamp())

    again = await create(world, a_lamp())

    assert again.id == first.id
    assert len(world.tables.products) == 1


async def test_a_request_id_cannot_be_used_for_another_product(world):
    await create(world, a_lamp())

    with pytest.raises(RuleViolated) as refusal:
        await create(world, a_lamp(title="A torch"))

    assert refusal.value.reason == "REQUEST_ID_REUSED"


async def test_a_sku_belongs_to_one_product(world):
    await create(world, a_lamp())

    with pytest.raises(SkuTaken):
        await create(world, a_lamp(2))

    assert len(world.tables.products) == len(world.tables.requests) == 1


async def test_an_import_that_always_comes_second_may_be_made_again(world):
    await create(world, a_lamp())
    content = ProductContent(
        title="Shade", description="", handle="shade", variants=a_lamp().content.variants
    )

    @asynccontextmanager
    async def blind():
        async with world.uow() as tx:
            # As if somebody took the SKU just after the look.
            tx.products.owners = nobody
            yield tx

    async def nobody(_skus):
        return {}

    with pytest.raises(Conflict):
        await import_products([ImportProduct(content=content)], uow=blind, clock=world.clock)


async def test_a_published_product_can_be_ordered(world):
    product = await create(world, a_lamp())

    await publish(world, product.id)

    query = BatchGetVariants(skus=[Sku("LAMP"), Sku("TORCH")])
    (sold,) = await batch_get_variants(query, uow=world.uow, clock=world.clock)
    assert (sold.title, sold.price) == ("A lamp", PRICE)
    assert world.events[1:] == [
        ProductPublished(product_id=product.id, title="A lamp", prices=((Sku("LAMP"), PRICE),))
    ]


async def test_publishing_again_changes_nothing(world):
    product = await create(world, a_lamp())
    await publish(world, product.id)

    again = await publish(world, product.id)

    assert again.state is ProductState.ACTIVE
    assert len(world.events) == 2


async def test_an_archived_product_cannot_be_published(world):
    product = await create(world, a_lamp())
    world.tables.products[product.id].state = ProductState.ARCHIVED

    with pytest.raises(ProductIsArchived):
        await publish(world, product.id)


async def test_what_is_not_there_cannot_be_published(world):
    with pytest.raises(ProductNotFound):
        await publish(world, ProductId(UUID(int=9)))


async def test_pages_hold_every_product_once(world):
    created = [await create(world, a_lamp(n, sku=f"LAMP-{n}")) for n in range(5)]

    listed, last = [], None
    for _ in range(3):
        page, last = await list_products(ListProducts(after=last, page_size=2), uow=world.uow)
        listed += [product.id for product in page]

    assert listed == [product.id for product in created]
    assert last is None


@pytest.mark.parametrize(
    ("variant", "field"),
    [
        ({"price": Money(0, "EUR")}, "price"),
        ({"gtin": "4006381333932"}, "gtin"),
        ({"gtin": "12345"}, "gtin"),
        ({"weight_grams": -1}, "weight_grams"),
        ({"attributes": (("", "red"),)}, "attributes"),
        ({"attributes": (("colour", "r\0d"),)}, "attributes['colour']"),
    ],
)
def test_a_variant_that_makes_no_sense_is_refused(variant, field):
    with pytest.raises(InvalidInput) as refusal:
        Variant(**{"sku": Sku("LAMP"), "price": PRICE} | variant)

    assert refusal.value.field == field


@pytest.mark.parametrize("gtin", ["", "96385074", "036000291452", "4006381333931"])
def test_a_gtin_with_its_check_digit_is_accepted(gtin):
    assert Variant(sku=Sku("LAMP"), price=PRICE, gtin=gtin).gtin == gtin


@pytest.mark.parametrize(
    ("title", "skus", "field"),
    [
        ("", ["LAMP"], "title"),
        ("A\0lamp", ["LAMP"], "title"),
        ("A lamp", [], "variants"),
        ("A lamp", ["LAMP", "LAMP"], "variants[1].sku"),
    ],
)
def test_a_product_that_makes_no_sense_is_refused(title, skus, field):
    variants = tuple(Variant(sku=Sku(sku), price=PRICE) for sku in skus)

    with pytest.raises(InvalidInput) as refusal:
        ProductContent(title=title, description="", variants=variants)

    assert refusal.value.field == field
