"""Products, kept in PostgreSQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.storage.aggregates import save_aggregate
from chassis.storage.bulk import insert_missing_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from services.product.adapters import tables
from services.product.application.ports.products import ProductNotFound, SkuTaken, SoldVariant
from services.product.application.ports.search import SearchIndex, entry_of
from services.product.domain.product import Product, ProductState, Variant
from services.product.domain.values import ProductId
from services.product.wire.events import event_to_wire

Changed = Callable[[str, int], None]

_COLUMNS = "id, version, event_count, trace, title, description, state, created_at"
_GET = text(f"SELECT {_COLUMNS} FROM products WHERE id = :id")
_OF = text(f"SELECT {_COLUMNS} FROM products WHERE id = ANY(CAST(:ids AS uuid[]))")
_LOCK = text(f"SELECT {_COLUMNS} FROM products WHERE id = :id FOR NO KEY UPDATE")
_PAGE = text(
    f"SELECT {_COLUMNS} FROM products WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :limit"
)
_VARIANTS = text(
    """
    SELECT product_id, sku, price_minor_units, price_currency, gtin, weight_grams, attributes
    FROM variants WHERE product_id = ANY(CAST(:ids AS uuid[])) ORDER BY product_id, position
    """
).columns(attributes=JSONB)
_SOLD = text(
    """
    SELECT sku, title, price_minor_units, price_currency
    FROM variants JOIN products ON products.id = variants.product_id
    WHERE sku = ANY(CAST(:skus AS text[])) AND state = 'ACTIVE'
    """
)
_FIRST = UUID(int=0)


class SqlProducts:
    """
    Saves a product, its events and what a search knows of it together, or nothing.

    Args:
        changed: Told after the commit which product has changed, and how many events it counts
            now: every change that shows is an event.
    """

    def __init__(
        self,
        tx: Transaction,
        outbox: Outbox,
        *,
        search: SearchIndex,
        clock: Clock,
        changed: Changed | None = None,
    ) -> None:
        self._tx = tx
        self._outbox = outbox
        self._search = search
        self._clock = clock
        self._changed = changed

    async def of(self, ids: Sequence[ProductId]) -> Mapping[ProductId, Product]:
        products = await self._whole(await self._tx.rows(_OF, {"ids": list(ids)}))
        return {product.id: product for product in products}

    async def get(self, product_id: ProductId) -> Product:
        return await self._one(product_id, await self._tx.rows(_GET, {"id": product_id}))

    async def lock(self, product_id: ProductId) -> Product:
        return await self._one(product_id, await self._tx.rows(_LOCK, {"id": product_id}))

    async def page(self, *, after: ProductId | None, limit: int) -> Sequence[Product]:
        return await self._whole(
            await self._tx.rows(_PAGE, {"after": after or _FIRST, "limit": limit})
        )

    async def sold_variants(self, skus: Sequence[Sku]) -> Sequence[SoldVariant]:
        rows = await self._tx.rows(_SOLD, {"skus": list(skus)})
        return [
            SoldVariant(
                sku=Sku(row.sku),
                title=row.title,
                price=Money(row.price_minor_units, row.price_currency),
            )
            for row in rows
        ]

    async def save(self, product: Product) -> None:
        is_new = product.version == 0
        if is_new:
            product.trace = trace_for(product.id)
        self._outbox.tell(product, event_to_wire)
        await save_aggregate(self._tx, tables.products, product, row_from_product)
        if is_new:
            await self._insert_variants(product)
        if product.state is ProductState.ACTIVE:
            self._search.put([entry_of(product, self._clock())])
        elif not is_new:
            self._search.remove([product.id])
        if self._changed:
            self._tx.after_commit(partial(self._changed, str(product.id), product.event_count))

    async def _insert_variants(self, product: Product) -> None:
        # In the order of SKUs, so that two products never wait for each other's in a circle.
        rows = sorted(rows_from_variants(product), key=lambda row: row["sku"])
        inserted = await insert_missing_rows(self._tx, tables.variants, rows, returning="sku")
        if taken := [row["sku"] for row in rows if row["sku"] not in inserted]:
            raise SkuTaken(f"another product has {', '.join(taken[:10])}")

    async def _one(self, product_id: ProductId, rows: Sequence[Row[Any]]) -> Product:
        if not rows:
            raise ProductNotFound(f"there is no product {product_id}")
        (product,) = await self._whole(rows)
        return product

    async def _whole(self, rows: Sequence[Row[Any]]) -> Sequence[Product]:
        found = await self._tx.rows(_VARIANTS, {"ids": [row.id for row in rows]})
        variants: Mapping[UUID, list[Row[Any]]] = defaultdict(list)
        for row in found:
            variants[row.product_id].append(row)
        return [product_from_rows(row, variants[row.id]) for row in rows]


def product_from_rows(row: Row[Any], variants: Iterable[Row[Any]]) -> Product:
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
    )


def variant_from_row(row: Row[Any]) -> Variant:
    return Variant(
        sku=Sku(row.sku),
        price=Money(row.price_minor_units, row.price_currency),
        gtin=row.gtin,
        weight_grams=row.weight_grams,
        attributes=tuple(sorted(row.attributes.items())),
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
    }


def rows_from_variants(product: Product) -> Iterable[Mapping[str, Any]]:
    for position, variant in enumerate(product.variants):
        yield {
            "sku": variant.sku,
            "product_id": product.id,
            "position": position,
            "price_minor_units": variant.price.minor_units,
            "price_currency": variant.price.currency,
            "gtin": variant.gtin,
            "weight_grams": variant.weight_grams,
            "attributes": dict(variant.attributes),
        }
