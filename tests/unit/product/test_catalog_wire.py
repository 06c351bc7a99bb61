from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import InvalidInput
from retail.product.v1 import category_service_pb2 as categories_pb
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.products import ProductFilter
from services.product.domain.product import ProductState
from services.product.domain.values import ProductId
from services.product.entrypoints.category_servicer import CategoryServicer
from services.product.entrypoints.product_methods import ProductMethods
from services.product.wire import masks, pages, products
from services.product.wire.fields import PageTokenInvalid

EUR = WireMoney(currency_code="EUR", units=1)
VARIANT = pb.Variant(sku="LAMP", price=EUR, gtin="96385074")


def shown(*paths):
    message = pb.Product(title="Lamp", variants=[VARIANT], attributes={"a": "b"})
    masks.keep(message, masks.read_mask_from_wire(FieldMask(paths=paths), pb.Product))
    return message


def test_a_read_mask_keeps_what_it_names():
    assert shown("title") == pb.Product(title="Lamp")
    assert shown("variants.sku", "variants.gtin") == pb.Product(
        variants=[pb.Variant(sku="LAMP", gtin="96385074")]
    )
    assert shown() == shown("title", "variants", "attributes")
    for paths in (("variants", "variants.sku"), ("variants.sku", "variants")):
        assert shown(*paths) == pb.Product(variants=[VARIANT])


@pytest.mark.parametrize("path", ["", "tilte", "variants.", "title.x", "attributes.a", "a.b"])
def test_a_read_mask_of_unknown_fields_is_refused(path):
    with pytest.raises(masks.ReadMaskInvalid):
        shown(path)


@pytest.mark.parametrize("paths", [(), ("state",), ("title", "variants.sku")])
def test_an_update_mask_names_fields_that_can_change(paths):
    with pytest.raises(masks.UpdateMaskInvalid):
        masks.update_mask_from_wire(FieldMask(paths=paths), products.CHANGEABLE)


def test_a_page_token_leads_on_only_among_the_same_products():
    drafts = ProductFilter(state=ProductState.DRAFT)
    last = ProductId(UUID(int=7))
    token = pages.page_token_to_wire(last, drafts)

    assert pages.page_token_from_wire(token, drafts) == last
    for other in (ProductFilter(), ProductFilter(updated_since=datetime(2026, 1, 1, tzinfo=UTC))):
        with pytest.raises(PageTokenInvalid):
            pages.page_token_from_wire(token, other)


@pytest.mark.parametrize(
    ("product", "field"),
    [
        ({"handle": ""}, "products[2].handle"),
        ({"handle": "Lamp"}, "products[2].handle"),
        ({"category_ids": ["x"]}, "products[2].category_ids[0]"),
        ({"media": [pb.Media(uri="http://a.example")]}, "products[2].media[0].uri"),
        (
            {"variants": [pb.Variant(sku="A", price=EUR, prices=[pb.Price()])]},
            "products[2].variants[0].prices[0].amount",
        ),
        (
            {
                "variants": [
                    pb.Variant(
                        sku="A",
                        price=EUR,
                        prices=[pb.Price(amount=EUR, start_time=Timestamp(seconds=2**60))],
                    )
                ]
            },
            "products[2].variants[0].prices[0].start_time",
        ),
        (
            {"variants": [pb.Variant(sku="A", price=EUR, prices=[pb.Price(amount=EUR)] * 101)]},
            "products[2].variants[0].prices",
        ),
    ],
)
def test_a_malformed_import_is_refused_by_the_path_of_its_field(product, field):
    wire = pb.ImportedProduct(**{"handle": "lamp", "title": "L", "variants": [VARIANT]} | product)

    with pytest.raises(InvalidInput) as refusal:
        products.imported_product_from_wire(wire, "products[2]")

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("name", "product", "field"),
    [
        ("title", {}, "product.title"),
        ("handle", {"handle": "A"}, "product.handle"),
        ("variants", {"variants": [VARIANT, VARIANT]}, "product.variants[1].sku"),
        ("variants", {"variants": [pb.Variant()]}, "product.variants[0].sku"),
    ],
)
async def test_a_malformed_change_is_refused_by_the_path_of_its_field(world, name, product, field):
    servicer = ProductMethods(uow=world.uow, clock=world.clock, cache=None)
    create = pb.CreateProductRequest(request_id=str(UUID(int=1)), title="L", variants=[VARIANT])
    known = (await servicer.CreateProduct(create, None)).product.product_id

    with pytest.raises(InvalidInput) as refusal:
        await servicer.UpdateProduct(
            pb.UpdateProductRequest(
                product=pb.Product(product_id=known, **product),
                update_mask=FieldMask(paths=[name]),
            ),
            None,
        )

    assert refusal.value.field == field


async def test_a_malformed_change_of_a_category_is_refused_by_the_path_of_its_field(world):
    servicer = CategoryServicer(uow=world.uow, clock=world.clock)
    create = categories_pb.CreateCategoryRequest(request_id=str(UUID(int=1)), name="Lamps")
    known = (await servicer.CreateCategory(create, None)).category.category_id

    with pytest.raises(InvalidInput) as refusal:
        await servicer.UpdateCategory(
            categories_pb.UpdateCategoryRequest(
                category=categories_pb.Category(category_id=known),
                update_mask=FieldMask(paths=["name"]),
            ),
            None,
        )

    assert refusal.value.field == "category.name"
