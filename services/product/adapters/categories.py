"""Categories, kept in PostgreSQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events.outbox import Outbox
from chassis.storage.aggregates import save_aggregates
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from services.product.adapters import tables
from services.product.domain.attributes import AttributeDefinition, AttributeType, inherited
from services.product.domain.category import Category, CategoryTree, DefinitionsOf
from services.product.domain.values import CategoryId
from services.product.wire.events import event_to_wire

# Any number, as long as everyone who changes the tree takes the same.
_TREE = 0x7472656573

_LOCK_TREE = text("SELECT pg_advisory_xact_lock(:key)")
_SELECT = """
    SELECT id, version, event_count, trace, parent_id, name, attributes, path
    FROM categories WHERE NOT deleted
"""
_ALL = text(_SELECT).columns(attributes=JSONB)
_BRANCH = text(f"{_SELECT} AND id IN (SELECT unnest(path) FROM categories WHERE id = :id)").columns(
    attributes=JSONB
)
# The definitions of the top come first, so that those below them prevail.
_DEFINITIONS = text(
    """
    WITH locked AS MATERIALIZED (
        SELECT id, path FROM categories
        WHERE id = ANY(CAST(:ids AS uuid[])) AND NOT deleted ORDER BY id FOR SHARE
    )
    SELECT locked.id, above.attributes
    FROM locked JOIN categories AS above ON above.id = ANY(locked.path)
    ORDER BY locked.id, cardinality(above.path)
    """
).columns(attributes=JSONB)
_LOCK = text("SELECT id FROM categories WHERE id = :id FOR NO KEY UPDATE")
# What is archived is no longer sorted: it may name a category that is gone.
_USED = text(
    """
    SELECT EXISTS (
        SELECT FROM products
        WHERE category_ids @> ARRAY[CAST(:id AS uuid)] AND state <> 'ARCHIVED'
    )
    """
)


class SqlCategories:
    """
    Saves categories and their events together, or none.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox

    async def tree(self) -> CategoryTree:
        return CategoryTree(category_from_row(row) for row in await self._tx.rows(_ALL))

    async def branch(self, category_id: CategoryId) -> CategoryTree:
        rows = await self._tx.rows(_BRANCH, {"id": category_id})
        return CategoryTree(category_from_row(row) for row in rows)

    async def lock_tree(self) -> CategoryTree:
        # Not the rows: two moves that make a circle together touch different ones.
        await self._tx.rows(_LOCK_TREE, {"key": _TREE})
        return await self.tree()

    async def definitions(self, ids: Collection[CategoryId]) -> DefinitionsOf:
        if not ids:
            return {}
        definitions: dict[CategoryId, list[AttributeDefinition]] = defaultdict(list)
        for row in await self._tx.rows(_DEFINITIONS, {"ids": list(ids)}):
            definitions[CategoryId(row.id)] += definitions_from_json(row.attributes)
        return {id_: inherited(all_) for id_, all_ in definitions.items()}

    async def lock_unused(self, category_id: CategoryId) -> bool:
        await self._tx.rows(_LOCK, {"id": category_id})
        # A statement of its own: it sees what those have done that the lock has waited for.
        ((is_used,),) = await self._tx.rows(_USED, {"id": category_id})
        return not is_used

    async def save(self, categories: Sequence[Category]) -> None:
        await self._save(categories, deleted=False)

    async def delete(self, category: Category) -> None:
        await self._save([category], deleted=True)

    async def _save(self, categories: Sequence[Category], *, deleted: bool) -> None:
        for category in categories:
            if category.version == 0:
                category.trace = trace_for(category.id)
            self._outbox.tell(category, event_to_wire)
        await save_aggregates(
            self._tx,
            tables.categories,
            categories,
            lambda category: {**row_from_category(category), "deleted": deleted},
        )


def category_from_row(row: Row[Any]) -> Category:
    return Category(
        id=CategoryId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        parent_id=CategoryId(row.parent_id) if row.parent_id else None,
        name=row.name,
        attributes=definitions_from_json(row.attributes),
        path=tuple(CategoryId(id_) for id_ in row.path),
    )


def definitions_from_json(
    definitions: Sequence[Mapping[str, Any]],
) -> tuple[AttributeDefinition, ...]:
    return tuple(
        AttributeDefinition(
            name=definition["name"],
            type=AttributeType(definition["type"]),
            unit=definition["unit"],
            choices=tuple(definition["choices"]),
            required=definition["required"],
        )
        for definition in definitions
    )


def row_from_category(category: Category) -> Mapping[str, Any]:
    return {
        "id": category.id,
        "version": category.version,
        "event_count": category.event_count,
        "trace": category.trace,
        "parent_id": category.parent_id,
        "name": category.name,
        "attributes": [
            {
                "name": definition.name,
                "type": definition.type.value,
                "unit": definition.unit,
                "choices": definition.choices,
                "required": definition.required,
            }
            for definition in category.attributes
        ],
        "path": category.path,
    }
