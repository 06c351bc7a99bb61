"""Products on the wire."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.text import parse_sku
from chassis.rpc.money import money_from_wire, money_to_wire
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.products import SoldVariant
from services.product.application.products.create_product import CreateProduct
from services.product.application.products.list_products import ListProducts
from services.product.domain.product import Product, Variant
from services.product.domain.values import ProductId
from services.product.wire.fields import PageSizeOutOfRange, PageTokenInvalid

DEFAULT_PAGE = 50
LARGEST_PAGE = 100


def create_product_from_wire(request: pb.CreateProductRequest) -> CreateProduct:
    return CreateProduct(
        request_id=parse_id(request.request_id, "request_id"),
        title=request.title,
        description=request.description,
        variants=tuple(
            variant_from_wire(variant, f"variants[{number}]")
            for number, variant in enumerate(request.variants)
        ),
    )


def variant_from_wire(wire: pb.Variant, field: str) -> Variant:
    sku = parse_sku(wire.sku, f"{field}.sku")
    price = money_from_wire(wire.price, f"{field}.price")
    try:
        return Variant(
            sku=sku,
            price=price,
            gtin=wire.gtin,
            weight_grams=wire.weight_grams,
            attributes=tuple(sorted(wire.attributes.items())),
        )
    except InvalidInput as error:
        error.field = f"{field}.{error.field}"
        raise


def product_id_from_wire(text: str) -> ProductId:
    return ProductId(parse_id(text, "product_id"))


def list_products_from_wire(request: pb.ListProductsRequest) -> ListProducts:
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"a page has 1 to {LARGEST_PAGE} products", field="page_size")
    return ListProducts(
        after=page_token_from_wire(request.page_token) if request.page_token else None,
        page_size=request.page_size or DEFAULT_PAGE,
    )


def page_token_from_wire(token: str) -> ProductId:
    try:
        return ProductId(UUID(bytes=urlsafe_b64decode(f"{token}==")))
    except (binascii.Error, ValueError):
        raise PageTokenInvalid(
            "page_token must be one that an earlier page came with", field="page_token"
        ) from None


def page_token_to_wire(last: ProductId) -> str:
    return urlsafe_b64encode(last.bytes).decode().rstrip("=")


def product_to_wire(product: Product) -> pb.Product:
    wire = pb.Product(
        product_id=str(product.id),
        title=product.title,
        description=product.description,
        state=f"PRODUCT_STATE_{product.state}",
        variants=[variant_to_wire(variant) for variant in product.variants],
    )
    wire.create_time.FromDatetime(product.created_at)
    return wire


def variant_to_wire(variant: Variant) -> pb.Variant:
    return pb.Variant(
        sku=variant.sku,
        price=money_to_wire(variant.price),
        gtin=variant.gtin,
        weight_grams=variant.weight_grams,
        attributes=dict(variant.attributes),
    )


def sold_variant_to_wire(variant: SoldVariant) -> pb.SoldVariant:
    return pb.SoldVariant(sku=variant.sku, title=variant.title, price=money_to_wire(variant.price))
