"""Products, kept in PostgreSQL."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSON, JSONB

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_missing_rows, update_rows
from chassis.storage.database import Transaction, Write
from chassis.telemetry.tracing import trace_for
from services.product.adapters import tables
from services.product.adapters.product_rows import (
    prices_from_json,
    product_from_rows,
    row_from_product,
    rows_from_variants,
)
from services.product.application.ports.products import (
    HandleTaken,
    ProductFilter,
    ProductNotFound,
    SkuTaken,
    SoldVariant,
)
from services.product.application.ports.search import SearchIndex, entry_of
from services.product.domain.price import PriceList
from services.product.domain.product import Product, ProductState
from services.product.domain.values import ProductId
from services.product.domain.variant import Variant
from services.product.wire.events import event_to_wire

_COLUMNS = """id, version, event_count, trace, title, description, state, created_at, updated_at,
    handle, category_ids, attributes, media, next_price_at"""
_SELECT = f"SELECT {_COLUMNS} FROM products"
# In one statement: between two, somebody might change the product, and it would be half of each.
_READ = f"""
    SELECT {_COLUMNS}, (
        SELECT json_agg(variants ORDER BY position) FROM variants WHERE product_id = products.id
    ) AS variants
    FROM products
"""
_JSON = {"attributes": JSONB, "media": JSONB}
_READ_JSON = {**_JSON, "variants": JSON}
_FIND = text(f"{_READ} WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id").columns(**_READ_JSON)
_LOCK = text(f"{_SELECT} WHERE id = :id FOR NO KEY UPDATE").columns(**_JSON)
# All locks go by id: one order for everybody.
_LOCK_HANDLES = text(
    f"""
    {_SELECT} WHERE handle = ANY(CAST(:handles AS text[])) AND handle <> ''
    ORDER BY id FOR NO KEY UPDATE
    """
).columns(**_JSON)
_LOCK_SKUS = text(
    f"""
    {_SELECT} WHERE id IN (
        SELECT product_id FROM variants WHERE sku = ANY(CAST(:skus AS text[]))
    )
    ORDER BY id FOR NO KEY UPDATE
    """
).columns(**_JSON)
# What is locked is at work elsewhere: whoever changes a product tells what is due first.
_LOCK_DUE = text(
    f"""
    {_SELECT} WHERE next_price_at <= CAST(:now AS timestamptz)
    ORDER BY next_price_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
).columns(**_JSON)
_UNINDEXED = text(
    f"""
    {_SELECT} WHERE state = 'ACTIVE'
        AND NOT EXISTS (SELECT FROM search_entries WHERE product_id = products.id)
        AND EXISTS (SELECT FROM variants WHERE product_id = products.id AND NOT retired)
    LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
).columns(**_JSON)
_VARIANTS = text(
    """
    SELECT product_id, sku, price_minor_units, price_currency, gtin, weight_grams, attributes,
        prices, retired
    FROM variants WHERE product_id = ANY(CAST(:ids AS uuid[])) ORDER BY product_id, position
    """
).columns(attributes=JSONB, prices=JSONB)
_OWNERS = text("SELECT sku, product_id FROM variants WHERE sku = ANY(CAST(:skus AS text[]))")
_HOLDERS = text(
    """
    SELECT id, handle FROM products
    WHERE handle = ANY(CAST(:handles AS text[])) AND handle <> ''
    """
)
_SOLD = text(
    """
    SELECT sku, title, price_minor_units, price_currency, prices
    FROM variants JOIN products ON products.id = variants.product_id
    WHERE sku = ANY(CAST(:skus AS text[])) AND state = 'ACTIVE' AND NOT retired
    """
).columns(prices=JSONB)
_DELETE = "DELETE FROM variants WHERE sku = ANY(CAST(:skus AS text[]))"
_IN_CATEGORY = """category_ids && ARRAY(
    SELECT id FROM categories WHERE path @> ARRAY[CAST(:category_id AS uuid)] AND NOT deleted)"""
_FIRST = UUID(int=0)

VariantRow = Mapping[str, Any]


# Told after the commit which product has changed, and how many events it counts now.
Changed = Callable[[str, int], None]


class SqlProducts:
    """
    Saves products, their events and what a search knows of them together, or nothing. Writes only
    those variants that have changed since they were read in the same transaction.
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
        self._handles: dict[ProductId, str] = {}
        self._variants: dict[ProductId, Sequence[Variant]] = {}

    async def get(self, product_id: ProductId) -> Product:
        return _one(product_id, await self._read(_FIND, {"ids": [product_id]}))

    async def find(self, ids: Collection[ProductId]) -> Mapping[ProductId, Product]:
        return {product.id: product for product in await self._read(_FIND, {"ids": list(ids)})}

    async def lock(self, product_id: ProductId) -> Product:
        rows = await self._tx.rows(_LOCK, {"id": product_id})
        return _one(product_id, await self._whole(rows))

    async def lock_handles(self, handles: Collection[str]) -> Mapping[str, Product]:
        rows = await self._tx.rows(_LOCK_HANDLES, {"handles": list(handles)})
        return {product.handle: product for product in await self._whole(rows)}

    async def lock_skus(self, skus: Collection[Sku]) -> Sequence[Product]:
        return await self._whole(await self._tx.rows(_LOCK_SKUS, {"skus": list(skus)}))

    async def lock_due(self, now: datetime, *, limit: int) -> Sequence[Product]:
        rows = await self._tx.rows(_LOCK_DUE, {"now": now, "limit": limit})
        return await self._whole(rows) if rows else []

    async def unindexed(self, *, limit: int) -> Sequence[Product]:
        return await self._whole(await self._tx.rows(_UNINDEXED, {"limit": limit}))

    async def owners(self, skus: Collection[Sku]) -> Mapping[Sku, ProductId]:
        rows = await self._tx.rows(_OWNERS, {"skus": list(skus)})
        return {Sku(row.sku): ProductId(row.product_id) for row in rows}

    async def page(
        self, wanted: ProductFilter, *, after: ProductId | None, limit: int
    ) -> Sequence[Product]:
        conditions, parameters = ["id > CAST(:after AS uuid)"], {"after": after or _FIRST}
        given: dict[str, Any] = {}
        if wanted.state:
            conditions.append("state = :state")
            given["state"] = wanted.state.value
        if wanted.category_id:
            conditions.append(_IN_CATEGORY)
            given["category_id"] = wanted.category_id
        if wanted.updated_since:
            conditions.append("updated_at >= CAST(:updated_since AS timestamptz)")
            given["updated_since"] = wanted.updated_since
        where = " AND ".join(conditions)
        statement = text(f"{_READ} WHERE {where} ORDER BY id LIMIT :limit").columns(**_READ_JSON)
        return await self._read(statement, {**parameters, **given, "limit": limit})

    async def sold_variants(self, skus: Sequence[Sku]) -> Sequence[SoldVariant]:
        rows = await self._tx.rows(_SOLD, {"skus": list(skus)})
        return [
            SoldVariant(
                sku=Sku(row.sku),
                title=row.title,
                prices=PriceList(
                    Money(row.price_minor_units, row.price_currency), prices_from_json(row.prices)
                ),
            )
            for row in rows
        ]

    async def save(self, product: Product) -> None:
        await self.save_many([product])

    async def save_many(self, products: Sequence[Product]) -> None:
        # Whatever changes in a product is told: one that tells nothing is as it was.
        changed = [product for product in products if product.untold]
        if not changed:
            return
        await self._must_have_own_handles(changed)
        for product in changed:
            if product.version == 0:
                product.trace = trace_for(product.id)
            self._outbox.tell(product, event_to_wire)
        await save_aggregates(self._tx, tables.products, changed, row_from_product)
        await self._save_variants(changed)
        self._index(changed)
        if self._changed:
            for product in changed:
                told = partial(self._changed, str(product.id), product.event_count)
                self._tx.after_commit(told)

    def _index(self, products: Sequence[Product]) -> None:
        now = self._clock()
        self._search.put([entry_of(product, now) for product in products if product.is_sold])
        # A draft was never in it.
        gone = [p.id for p in products if not p.is_sold and p.state is not ProductState.DRAFT]
        self._search.remove(gone)

    async def _must_have_own_handles(self, products: Sequence[Product]) -> None:
        wanted = {p.handle: p.id for p in products if p.handle != self._handles.get(p.id, "")}
        if not wanted:
            return
        for row in await self._tx.rows(_HOLDERS, {"handles": list(wanted)}):
            if wanted[row.handle] != row.id:
                raise HandleTaken(f"product {row.id} has the handle {row.handle!r}")

    async def _save_variants(self, products: Sequence[Product]) -> None:
        before: dict[str, VariantRow] = {}
        for product in products:
            earlier = rows_from_variants(product.id, self._variants.get(product.id, ()))
            before |= {row["sku"]: row for row in earlier}
        # In the order of SKUs, so that two batches never wait for each other's in a circle.
        rows = sorted(
            (row for p in products for row in rows_from_variants(p.id, p.variants)),
            key=lambda row: str(row["sku"]),
        )
        if gone := sorted(before.keys() - {row["sku"] for row in rows}):
            await self._tx.write(
                Write(target=tables.variants.name, sql=_DELETE, parameters={"skus": gone})
            )
        new = [row for row in rows if row["sku"] not in before]
        inserted = await insert_missing_rows(self._tx, tables.variants, new, returning="sku")
        if taken := [row["sku"] for row in new if row["sku"] not in inserted]:
            raise SkuTaken(f"another product has {', '.join(taken[:10])}")
        changed = [row for row in rows if before.get(row["sku"], row) != row]
        await update_rows(self._tx, tables.variants, changed, key=["sku"])
        self._remember(products)

    async def _read(self, statement: Any, parameters: Mapping[str, Any]) -> Sequence[Product]:
        rows = await self._tx.rows(statement, parameters)
        products = [product_from_rows(row, row.variants or ()) for row in rows]
        self._remember(products)
        return products

    async def _whole(self, rows: Sequence[Row[Any]]) -> Sequence[Product]:
        """
        Return the products of *rows*, which are locked: their variants stay as they are.
        """
        found = await self._tx.rows(_VARIANTS, {"ids": [row.id for row in rows]})
        variants: Mapping[UUID, list[VariantRow]] = defaultdict(list)
        for row in found:
            variants[row.product_id].append(row._asdict())
        products = [product_from_rows(row, variants[row.id]) for row in rows]
        self._remember(products)
        return products

    def _remember(self, products: Sequence[Product]) -> None:
        for product in products:
            self._handles[product.id] = product.handle
            self._variants[product.id] = product.variants


def _one(product_id: ProductId, found: Sequence[Product]) -> Product:
    if not found:
        raise ProductNotFound(f"there is no product {product_id}")
    (product,) = found
    return product
