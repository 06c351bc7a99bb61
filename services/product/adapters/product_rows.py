"""Products as rows, and back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.product.domain.media import Media
from services.product.domain.price import Price
from services.product.domain.product import Product, ProductState
from services.product.domain.values import CategoryId, ProductId
from services.product.domain.variant import Variant


def product_from_rows(row: Row[Any], variants: Iterable[Mapping[str, Any]]) -> Product:
    return Product(
        id=ProductId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        title=row.title,
        description=row.description,
        state=ProductState(row.state),
        variants=tuple(variant_from_row(variant) for variant in variants),
        created_at=row.created_at,
        updated_at=row.updated_at,
        handle=row.handle,
        category_ids=tuple(CategoryId(id_) for id_ in row.category_ids),
        attributes=tuple(sorted(row.attributes.items())),
        media=tuple(Media(**media) for media in row.media),
        next_price_at=row.next_price_at,
    )


def variant_from_row(row: Mapping[str, Any]) -> Variant:
    return Variant(
        sku=Sku(row["sku"]),
        price=Money(row["price_minor_units"], row["price_currency"]),
        gtin=row["gtin"],
        weight_grams=row["weight_grams"],
        attributes=tuple(sorted(row["attributes"].items())),
        prices=prices_from_json(row["prices"]),
        retired=row["retired"],
    )


def prices_from_json(prices: Sequence[Mapping[str, Any]]) -> tuple[Price, ...]:
    return tuple(
        Price(
            amount=Money(price["minor_units"], price["currency"]),
            min_quantity=price["min_quantity"],
            starts_at=_moment(price["starts_at"]),
            ends_at=_moment(price["ends_at"]),
        )
        for price in prices
    )


def row_from_product(product: Product) -> Mapping[str, Any]:
    return {
        "id": product.id,
        "version": product.version,
        "event_count": product.event_count,
        "trace": product.trace,
        "title": product.title,
        "description": product.description,
        "state": product.state.value,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "handle": product.handle,
        "category_ids": product.category_ids,
        "attributes": dict(product.attributes),
        "media": [
            {"uri": media.uri, "content_type": media.content_type, "alt_text": media.alt_text}
            for media in product.media
        ],
        "next_price_at": product.next_price_at,
    }


def rows_from_variants(
    product_id: ProductId, variants: Iterable[Variant]
) -> Iterable[Mapping[str, Any]]:
    for position, variant in enumerate(variants):
        yield {
            "sku": variant.sku,
            "product_id": product_id,
            "position": position,
            "price_minor_units": variant.price.minor_units,
            "price_currency": variant.price.currency,
            "gtin": variant.gtin,
            "weight_grams": variant.weight_grams,
            "attributes": dict(variant.attributes),
            "prices": [json_from_price(price) for price in variant.prices],
            "retired": variant.retired,
        }


def json_from_price(price: Price) -> Mapping[str, Any]:
    return {
        "minor_units": price.amount.minor_units,
        "currency": price.amount.currency,
        "min_quantity": price.min_quantity,
        "starts_at": price.starts_at and price.starts_at.isoformat(),
        "ends_at": price.ends_at and price.ends_at.isoformat(),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
