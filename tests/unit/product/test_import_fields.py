"""What an import changes of products that are there already."""

from datetime import UTC, datetime

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.products.import_products import (
    ImportOutcome,
    ImportProduct,
    import_products,
)
from services.product.domain.price import Price
from services.product.domain.product_content import ProductContent
from services.product.domain.variant import Variant
from services.product.wire.products import imported_fields_from_wire

LAMP = Sku("LAMP")
SALE = Price(amount=Money(5_00, "EUR"), starts_at=datetime(2026, 1, 1, tzinfo=UTC))
FULL = ProductContent(
    handle="lamp",
    title="Lamp",
    description="Lights.",
    attributes=(("brand", "North"),),
    variants=(
        Variant(sku=LAMP, price=Money(10_00, "EUR"), weight_grams=400, prices=(SALE,)),
        Variant(sku=Sku("OLD"), price=Money(9_00, "EUR"), retired=True),
    ),
)
BARE = ProductContent(
    handle="lamp",
    title="Desk lamp",
    description="",
    variants=(
        Variant(sku=LAMP, price=Money(12_00, "EUR")),
        Variant(sku=Sku("OLD"), price=Money(9_00, "EUR")),
        Variant(sku=Sku("NEW"), price=Money(7_00, "EUR"), weight_grams=30),
    ),
)


async def bring(world, content, fields=()):
    command = ImportProduct(content=content, fields=frozenset(fields))
    (answer,) = await import_products([command], uow=world.uow, clock=world.clock)
    (product,) = world.tables.products.values()
    return answer.outcome, product


async def test_fields_that_are_not_named_stay_as_they_are(world):
    await bring(world, FULL)

    outcome, product = await bring(world, BARE, ["title", "variants"])

    assert outcome is ImportOutcome.UPDATED
    assert (product.title, product.description) == ("Desk lamp", "Lights.")
    assert product.attributes == FULL.attributes
    lamp, old, new = product.variants
    assert (lamp.price, lamp.prices, lamp.weight_grams) == (Money(12_00, "EUR"), (SALE,), 400)
    assert old.retired
    assert new == BARE.variants[2]


async def test_fields_of_variants_change_where_they_are_named(world):
    await bring(world, FULL)

    _, product = await bring(
        world, BARE, ["variants", "variants.prices", "variants.weight_grams", "variants.retired"]
    )

    assert product.title == "Lamp"
    assert product.variants == BARE.variants


async def test_without_variants_even_prices_stay(world):
    await bring(world, FULL)

    _, product = await bring(world, BARE, ["title"])

    assert product.variants == FULL.variants


async def test_naming_nothing_names_everything(world):
    await bring(world, FULL)

    _, product = await bring(world, BARE)

    assert product.content == BARE


async def test_a_new_product_is_as_described_whatever_is_named(world):
    outcome, product = await bring(world, FULL, ["title"])

    assert outcome is ImportOutcome.CREATED
    assert product.content == FULL


async def test_the_same_again_changes_nothing(world):
    await bring(world, FULL)
    await bring(world, BARE, ["title", "variants"])

    outcome, _ = await bring(world, BARE, ["title", "variants"])

    assert outcome is ImportOutcome.UNCHANGED


@pytest.mark.parametrize("path", ["handle", "publish", "variants.price", "variants.sku", "x", ""])
def test_what_an_import_cannot_leave_alone_is_no_field_of_its_mask(path):
    request = pb.ImportProductsRequest()
    request.update_mask.paths.append(path)

    with pytest.raises(InvalidInput) as refusal:
        imported_fields_from_wire(request)

    assert (refusal.value.reason, refusal.value.field) == ("UPDATE_MASK_INVALID", "update_mask")
