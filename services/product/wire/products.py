"""Products on the wire."""

from collections.abc import Callable, Mapping, Set
from datetime import datetime
from typing import Any

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.kernel.text import parse_sku
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_from_wire, money_to_wire
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.products.batch_get_variants import Offer
from services.product.application.products.create_product import CreateProduct
from services.product.application.products.import_products import Imported, ImportProduct
from services.product.application.products.set_prices import SetPrices
from services.product.application.products.update_product import UpdateProduct
from services.product.domain.media import Media
from services.product.domain.price import check_prices
from services.product.domain.product import Product
from services.product.domain.product_content import (
    CONTENT_FIELDS,
    HandleMalformed,
    ProductContent,
)
from services.product.domain.values import CategoryId, ProductId
from services.product.domain.variant import VARIANT_FIELDS, Variant
from services.product.wire.fields import DOMAIN, within
from services.product.wire.masks import update_mask_from_wire
from services.product.wire.prices import current_price, price_to_wire, prices_from_wire

CHANGEABLE = {
    *("title", "description", "handle", "category_ids", "attributes", "media", "variants"),
}

IMPORTABLE = {*CONTENT_FIELDS, *(f"variants.{name}" for name in VARIANT_FIELDS)}

Described = pb.CreateProductRequest | pb.Product | pb.ImportedProduct


def create_product_from_wire(request: pb.CreateProductRequest) -> CreateProduct:
    return CreateProduct(
        request_id=parse_id(request.request_id, "request_id"),
        content=ProductContent(**content_from_wire(request, CHANGEABLE)),
    )


def update_product_from_wire(request: pb.UpdateProductRequest) -> UpdateProduct:
    fields = update_mask_from_wire(request.update_mask, CHANGEABLE)
    with within("product"):
        return UpdateProduct(
            product_id=product_id_from_wire(request.product.product_id),
            etag=request.product.etag,
            changes=content_from_wire(request.product, fields),
        )


def imported_fields_from_wire(request: pb.ImportProductsRequest) -> Set[str]:
    mask = request.update_mask
    return update_mask_from_wire(mask, IMPORTABLE) if mask.paths else frozenset()


def imported_product_from_wire(
    wire: pb.ImportedProduct, field: str, *, fields: Set[str] = frozenset()
) -> ImportProduct:
    with within(field):
        content = ProductContent(**content_from_wire(wire, CHANGEABLE))
        if not content.handle:
            raise HandleMalformed("handle must not be empty", field="handle")
    return ImportProduct(content=content, publish=wire.publish, fields=fields)


def content_from_wire(wire: Described, fields: Set[str]) -> Mapping[str, Any]:
    """
    Return those *fields* of a ProductContent.
    """
    translations: Mapping[str, Callable[[], Any]] = {
        "title": lambda: wire.title,
        "description": lambda: wire.description,
        "handle": lambda: wire.handle,
        "category_ids": lambda: tuple(
            CategoryId(parse_id(id_, f"category_ids[{number}]"))
            for number, id_ in enumerate(wire.category_ids)
        ),
        "attributes": lambda: tuple(sorted(wire.attributes.items())),
        "media": lambda: tuple(
            media_from_wire(media, f"media[{number}]") for number, media in enumerate(wire.media)
        ),
        "variants": lambda: tuple(
            variant_from_wire(variant, f"variants[{number}]")
            for number, variant in enumerate(wire.variants)
        ),
    }
    return {name: translations[name]() for name in translations if name in fields}


def variant_from_wire(wire: pb.Variant, field: str) -> Variant:
    with within(field):
        return Variant(
            sku=parse_sku(wire.sku, "sku"),
            price=money_from_wire(wire.price, "price"),
            gtin=wire.gtin,
            weight_grams=wire.weight_grams,
            attributes=tuple(sorted(wire.attributes.items())),
            prices=prices_from_wire(wire.prices),
            retired=wire.retired,
        )


def media_from_wire(wire: pb.Media, field: str) -> Media:
    with within(field):
        return Media(uri=wire.uri, content_type=wire.content_type, alt_text=wire.alt_text)


def variant_prices_from_wire(wire: pb.VariantPrices, field: str) -> SetPrices:
    with within(field):
        sku = parse_sku(wire.sku, "sku")
        price = money_from_wire(wire.price, "price")
        prices = prices_from_wire(wire.prices)
        check_prices(prices)
        # A variant refuses what is no price.
        Variant(sku=sku, price=price)
    return SetPrices(sku=sku, price=price, prices=prices)


def product_id_from_wire(text: str, field: str = "product_id") -> ProductId:
    return ProductId(parse_id(text, field))


def product_to_wire(product: Product, now: datetime) -> pb.Product:
    wire = pb.Product(
        product_id=str(product.id),
        title=product.title,
        description=product.description,
        state=f"PRODUCT_STATE_{product.state}",
        variants=[variant_to_wire(variant, now) for variant in product.variants],
        handle=product.handle,
        category_ids=[str(id_) for id_ in product.category_ids],
        attributes=dict(product.attributes),
        media=[
            pb.Media(uri=media.uri, content_type=media.content_type, alt_text=media.alt_text)
            for media in product.media
        ],
        etag=product.etag,
    )
    wire.create_time.FromDatetime(product.created_at)
    wire.update_time.FromDatetime(product.updated_at)
    return wire


def variant_to_wire(variant: Variant, now: datetime) -> pb.Variant:
    return pb.Variant(
        sku=variant.sku,
        price=money_to_wire(variant.price),
        gtin=variant.gtin,
        weight_grams=variant.weight_grams,
        attributes=dict(variant.attributes),
        prices=[price_to_wire(price) for price in variant.prices],
        current_price=money_to_wire(current_price(variant, now)),
        retired=variant.retired,
    )


def variant_result_to_wire(answer: Variant | DomainError, now: datetime) -> pb.VariantResult:
    if isinstance(answer, DomainError):
        return pb.VariantResult(error=status_from_error(answer, DOMAIN))
    return pb.VariantResult(variant=variant_to_wire(answer, now))


def import_result_to_wire(answer: Imported | DomainError) -> pb.ImportResult:
    if isinstance(answer, DomainError):
        return pb.ImportResult(error=status_from_error(answer, DOMAIN))
    return pb.ImportResult(
        done=f"IMPORT_OUTCOME_{answer.outcome}", product_id=str(answer.product_id)
    )


def offer_to_wire(offer: Offer) -> pb.SoldVariant:
    return pb.SoldVariant(
        sku=offer.sku,
        title=offer.title,
        price=money_to_wire(offer.price),
        price_breaks=[
            pb.PriceBreak(min_quantity=least, price=money_to_wire(price))
            for least, price in offer.breaks
        ],
    )
