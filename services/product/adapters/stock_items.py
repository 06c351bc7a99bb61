"""Stock items and their journal, kept in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence, Set
from functools import partial
from typing import Any

from sqlalchemy import Row, text

from chassis.events.outbox import Outbox
from chassis.kernel.text import Sku
from chassis.storage.bulk import insert_missing_rows, insert_rows
from chassis.storage.database import Transaction, Write
from services.product.adapters import tables
from services.product.application.ports.stock_items import JournalEntry
from services.product.domain.movement import Cause, CauseType, MovementKind, StockMovement
from services.product.domain.stock_item import StockItem
from services.product.domain.values import LocationId, Place, StockItemId, stock_item_id
from services.product.wire.events import event_to_wire

# With what sourcing asks of the location, in the same statement.
_ITEMS = """
    SELECT stock_items.id, stock_items.version, event_count, trace, sku, location_id, on_hand, held,
        allocated, damaged, coalesce(priority, 0) AS priority,
        coalesce(state, 'OPEN') = 'OPEN' AS is_open
    FROM stock_items LEFT JOIN locations ON locations.id = location_id
"""
_OF = text(
    f"""
    {_ITEMS} WHERE sku = ANY(CAST(:skus AS text[]))
    ORDER BY sku, location_id
    """
)
# Over all open locations.
_AVAILABLE = text(
    """
    SELECT sku, sum(on_hand - held - allocated - damaged)::bigint AS available
    FROM stock_items JOIN locations ON locations.id = location_id
    WHERE sku = ANY(CAST(:skus AS text[])) AND locations.state = 'OPEN' GROUP BY sku
    """
)
# Both locks go by id, and save_aggregates writes by id: one global order for everybody.
_LOCK_SKUS = text(
    f"""
    {_ITEMS} WHERE sku = ANY(CAST(:skus AS text[]))
    ORDER BY stock_items.id FOR NO KEY UPDATE OF stock_items
    """
)
_LOCK = text(
    f"""
    {_ITEMS} WHERE stock_items.id = ANY(CAST(:ids AS uuid[]))
    ORDER BY stock_items.id FOR NO KEY UPDATE OF stock_items
    """
)


# By how much each count changes, never what it becomes: nobody's change is lost, whether or not the
# row was locked when it was read. It matches no row if more would be taken than is there now; nor
# if the item was, or becomes, depleted without our knowing, or has told events that we do not know
# of: then our own would be wrong.
_BEFORE = "item.on_hand - item.held - item.allocated - item.damaged"
_MOVE = f"""
WITH locked AS MATERIALIZED (
    SELECT id FROM stock_items WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE stock_items AS item
SET version = item.version + 1,
    event_count = item.event_count + change.told,
    on_hand = item.on_hand + change.on_hand,
    held = item.held + change.held,
    allocated = item.allocated + change.allocated,
    damaged = item.damaged + change.damaged
FROM locked JOIN unnest(
    CAST(:ids AS uuid[]), CAST(:told AS bigint[]), CAST(:event_counts AS bigint[]),
    CAST(:on_hand AS bigint[]), CAST(:held AS bigint[]), CAST(:allocated AS bigint[]),
    CAST(:damaged AS bigint[]), CAST(:available AS bigint[]),
    CAST(:begins_depleted AS boolean[]), CAST(:ends_depleted AS boolean[])
) AS change (id, told, event_count, on_hand, held, allocated, damaged, available, begins_depleted,
    ends_depleted) USING (id)
WHERE item.id = locked.id
    AND (change.told = 0 OR item.event_count = change.event_count)
    AND ({_BEFORE} = 0) = change.begins_depleted
    AND ({_BEFORE} + change.available = 0) = change.ends_depleted
    AND least({_BEFORE} + change.available, item.on_hand + change.on_hand,
        item.held + change.held, item.allocated + change.allocated,
        item.damaged + change.damaged) >= 0
"""

_FORGET = text("DELETE FROM stock_items WHERE id = ANY(CAST(:ids AS uuid[]))")

_END = 2**63 - 1
# The latest of each location, then the latest of them all: however long the journal is, no more
# is read than one page a location.
_JOURNAL = text(
    """
    SELECT movement.* FROM stock_items AS item CROSS JOIN LATERAL (
        SELECT position, sku, location_id, kind, delta_on_hand, delta_held, delta_allocated,
            delta_damaged, cause_type, cause_id, reason, note, occurred_at
        FROM stock_movements
        WHERE sku = item.sku AND location_id = item.location_id
            AND position < CAST(:before AS bigint)
        ORDER BY position DESC LIMIT :limit
    ) AS movement
    WHERE item.sku = :sku
        AND (CAST(:location AS text) IS NULL OR item.location_id = CAST(:location AS text))
    ORDER BY position DESC LIMIT :limit
    """
)


class SqlStockItems:
    """
    Saves stock items, their movements and their events together, or none.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox
        self._locked: set[StockItemId] = set()
        self._opened: set[StockItemId] = set()

    async def of(self, skus: Sequence[Sku]) -> Sequence[StockItem]:
        return [stock_item_from_row(row) for row in await self._tx.rows(_OF, {"skus": list(skus)})]

    async def available(self, skus: Sequence[Sku]) -> Mapping[Sku, int]:
        rows = await self._tx.rows(_AVAILABLE, {"skus": list(skus)})
        return {Sku(row.sku): row.available for row in rows}

    async def lock_skus(self, skus: Set[Sku]) -> Sequence[StockItem]:
        if not skus:
            return []
        rows = await self._tx.rows(_LOCK_SKUS, {"skus": list(skus)})
        self._locked.update(row.id for row in rows)
        return [stock_item_from_row(row) for row in rows]

    async def lock(self, places: Set[Place]) -> Sequence[StockItem]:
        if not places:
            return []
        ids = [stock_item_id(place.sku, place.location_id) for place in places]
        rows = await self._tx.rows(_LOCK, {"ids": ids})
        self._locked.update(row.id for row in rows)
        return [stock_item_from_row(row) for row in rows]

    async def open(
        self, places: Set[Place], *, beside: Set[Place] = frozenset()
    ) -> Sequence[StockItem]:
        # Inserted before any is locked: an insert may have to wait for another transaction's, and
        # must then hold nothing that the other one wants.
        new = [StockItem.empty(place) for place in places]
        for item in new:
            item.version = 1
        rows = sorted((row_from_stock_item(item) for item in new), key=lambda row: row["id"])
        self._opened |= await insert_missing_rows(
            self._tx, tables.stock_items, rows, returning="id"
        )
        return await self.lock(places | beside)

    async def journal(
        self, sku: Sku, location_id: LocationId | None, *, before: int | None, limit: int
    ) -> Sequence[JournalEntry]:
        asked = {"sku": sku, "location": location_id, "before": before or _END, "limit": limit}
        return [entry_from_row(row) for row in await self._tx.rows(_JOURNAL, asked)]

    async def save(self, items: Sequence[StockItem]) -> None:
        if left_empty := self._opened.difference(item.id for item in items):
            # What was to come there was refused. Nobody else has seen them.
            await self._tx.run(_FORGET, {"ids": list(left_empty)})
        if not items:
            return
        changes = [change_of(item) for item in items]
        await self._hold_tellers(items)
        for item in items:
            self._outbox.tell(item, event_to_wire)
        movements = [row for item in items for row in rows_from_movements(item)]
        await insert_rows(self._tx, tables.stock_movements, movements)
        # The last thing before the commit: for so long, others wait who want the same goods.
        self._tx.before_commit(partial(self._move, changes))

    async def _hold_tellers(self, items: Sequence[StockItem]) -> None:
        # Two that tell the next event of one item wait for each other at the outbox, where no order
        # holds. So who tells holds its items first, and all of them, to keep the order.
        if any(item.untold for item in items):
            ids = [item.id for item in items]
            if not self._locked.issuperset(ids):
                await self._tx.rows(_LOCK, {"ids": ids})

    async def _move(self, changes: Sequence[Mapping[str, Any]]) -> None:
        in_order = sorted(changes, key=lambda change: change["ids"].int)
        parameters = {name: [change[name] for change in in_order] for name in in_order[0]}
        target = tables.stock_items.name
        await self._tx.write(
            Write(target=target, sql=_MOVE, parameters=parameters, rows=len(in_order))
        )


def change_of(item: StockItem) -> Mapping[str, Any]:
    """
    Return by how much the movements of *item* change its row. Its events are not told yet.
    """
    on_hand, held, allocated, damaged = (
        sum(getattr(movement, count) for movement in item.movements)
        for count in ("on_hand", "held", "allocated", "damaged")
    )
    available = on_hand - held - allocated - damaged
    return {
        "ids": item.id,
        "told": item.untold,
        "event_counts": item.event_count,
        "on_hand": on_hand,
        "held": held,
        "allocated": allocated,
        "damaged": damaged,
        "available": available,
        "begins_depleted": item.available == available,
        "ends_depleted": item.available == 0,
    }


def stock_item_from_row(row: Row[Any]) -> StockItem:
    return StockItem(
        id=StockItemId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        sku=Sku(row.sku),
        location_id=LocationId(row.location_id),
        on_hand=row.on_hand,
        held=row.held,
        allocated=row.allocated,
        damaged=row.damaged,
        priority=row.priority,
        is_open=row.is_open,
    )


def entry_from_row(row: Row[Any]) -> JournalEntry:
    return JournalEntry(
        position=row.position,
        place=Place(sku=Sku(row.sku), location_id=LocationId(row.location_id)),
        movement=StockMovement(
            kind=MovementKind(row.kind),
            cause=Cause(
                type=CauseType(row.cause_type),
                id=row.cause_id,
                at=row.occurred_at,
                reason=row.reason,
                note=row.note,
            ),
            on_hand=row.delta_on_hand,
            held=row.delta_held,
            allocated=row.delta_allocated,
            damaged=row.delta_damaged,
        ),
    )


def row_from_stock_item(item: StockItem) -> Mapping[str, Any]:
    return {
        "id": item.id,
        "version": item.version,
        "event_count": item.event_count,
        # Empty: a stock item is part of many stories, each event belongs to the one at work.
        "trace": item.trace,
        "sku": item.sku,
        "location_id": item.location_id,
        "on_hand": item.on_hand,
        "held": item.held,
        "allocated": item.allocated,
        "damaged": item.damaged,
    }


def rows_from_movements(item: StockItem) -> Iterable[Mapping[str, Any]]:
    for movement in item.pull_movements():
        yield {
            "sku": item.sku,
            "location_id": item.location_id,
            "kind": movement.kind.value,
            "delta_on_hand": movement.on_hand,
            "delta_held": movement.held,
            "delta_allocated": movement.allocated,
            "delta_damaged": movement.damaged,
            "cause_type": movement.cause.type.value,
            "cause_id": movement.cause.id,
            "occurred_at": movement.cause.at,
            "reason": movement.cause.reason,
            "note": movement.cause.note,
        }
