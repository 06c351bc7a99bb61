"""Orders, kept in PostgreSQL: any number in a handful of statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.events.outbox import Outbox
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_rows, rows_of, rows_wanted, update_rows, upsert_rows
from chassis.storage.database import Transaction
from services.order.adapters import tables
from services.order.adapters.order_rows import (
    changes_from_order,
    line_rows,
    order_from_rows,
    row_from_order,
    row_from_terms,
    shipment_rows,
    timeline_rows,
)
from services.order.adapters.return_rows import return_rows
from services.order.application.ports import OrderNotFound, TracedEntry
from services.order.domain.order import Order
from services.order.domain.period import ALWAYS, Period
from services.order.domain.timeline import TimelineEntry
from services.order.domain.values import AccountId, FulfillmentStatus, OrderId, OrderStatus
from services.order.wire.events import event_to_wire

_ORDERS = rows_of(tables.orders, order="id")
_LINES = rows_of(tables.order_lines, order="number")
_SHIPMENTS = rows_of(tables.order_shipments, order="id")
_RETURNS = text(
    """
    SELECT * FROM order_returns WHERE order_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY received_at, id
    """
)
_TIMELINE = text("SELECT * FROM order_timeline WHERE order_id = :id ORDER BY number")
_PAGE = text(
    """
    SELECT id FROM orders
    WHERE account_id = :account_id
        AND id >= CAST(:first AS uuid) AND id < CAST(:end AS uuid)
        AND (CAST(:placed_from AS timestamptz) IS NULL
            OR created_at >= CAST(:placed_from AS timestamptz))
        AND (CAST(:placed_before AS timestamptz) IS NULL
            OR created_at < CAST(:placed_before AS timestamptz))
        AND (CAST(:statuses AS text[]) = '{}' OR status = ANY(CAST(:statuses AS text[])))
    ORDER BY id DESC LIMIT :limit
    """
)
_REMOVE_LINES = text(
    """
    DELETE FROM order_lines WHERE order_id = ANY(CAST(:ids AS uuid[]))
        AND order_id BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)
        AND (order_id, number) NOT IN (
            SELECT id, number
            FROM unnest(CAST(:kept AS uuid[]), CAST(:numbers AS integer[])) AS kept (id, number))
    """
)


class SqlOrders:
    """
    Saves orders and their events together, or neither.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox
        # What this transaction has read, and which of it is to be written at its end: so that
        # three events of one order, told in one batch, read and write it once.
        self._read: dict[OrderId, Order] = {}
        self._changed: dict[OrderId, Order] = {}

    async def find(self, order_ids: Sequence[OrderId]) -> dict[OrderId, Order]:
        if missing := set(order_ids) - self._read.keys():
            self._read |= await self._load(missing)
        return {id_: self._read[id_] for id_ in order_ids if id_ in self._read}

    async def _load(self, order_ids: Set[OrderId]) -> dict[OrderId, Order]:
        rows = await self._tx.rows(_ORDERS, rows_wanted(order_ids))
        lines = _by_order(await self._tx.rows(_LINES, rows_wanted(order_ids)))
        # No parcel leaves before a provider accepts: the early steps save the question.
        worked_on = [
            row.id for row in rows if row.fulfillment_status != FulfillmentStatus.UNFULFILLED
        ]
        shipments = (
            _by_order(await self._tx.rows(_SHIPMENTS, rows_wanted(worked_on))) if worked_on else {}
        )
        # Of few orders anything comes back.
        returned = [row.id for row in rows if row.return_count]
        returns = _by_order(await self._tx.rows(_RETURNS, {"ids": returned})) if returned else {}
        return {
            OrderId(row.id): order_from_rows(
                row, lines[row.id], shipments.get(row.id, ()), returns.get(row.id, ())
            )
            for row in rows
        }

    async def get(self, account_id: AccountId, order_id: OrderId) -> Order:
        order = (await self.find([order_id])).get(order_id)
        # Somebody else's order is no more to be seen than one that does not exist.
        if order is None or order.account_id != account_id:
            raise OrderNotFound(f"there is no order {order_id}")
        return order

    async def page(
        self,
        account_id: AccountId,
        *,
        before: OrderId | None,
        statuses: Sequence[OrderStatus],
        limit: int,
        period: Period = ALWAYS,
    ) -> Sequence[Order]:
        rows = await self._tx.rows(
            _PAGE,
            {
                "account_id": account_id,
                "first": period.first_id,
                "end": period.end_id(before),
                "placed_from": period.placed_from,
                "placed_before": period.placed_before,
                "statuses": list(statuses),
                "limit": limit,
            },
        )
        found = await self.find([OrderId(row.id) for row in rows])
        return [found[row.id] for row in rows]

    async def timeline(self, order_id: OrderId) -> Sequence[TracedEntry]:
        return [
            TracedEntry(
                entry=TimelineEntry(at=row.at, what=row.what, cause=row.cause),
                trace_id=row.trace_id,
            )
            for row in await self._tx.rows(_TIMELINE, {"id": order_id})
        ]

    async def save(self, orders: Sequence[Order]) -> None:
        if orders and not self._changed:
            self._tx.before_commit(self._write)
        self._changed |= {order.id: order for order in orders}
        self._read |= {order.id: order for order in orders}

    async def _write(self) -> None:
        orders = [*self._changed.values()]
        fresh = [order for order in orders if order.version == 0]
        for order in orders:
            self._outbox.tell(order, event_to_wire)
            order.news_count += len(order.news)
        # First, so that whoever comes second fails on the version and nothing else.
        await save_aggregates(
            self._tx, tables.orders, orders, row_from_order, changes_from=changes_from_order
        )
        await insert_rows(self._tx, tables.order_lines, [r for o in fresh for r in line_rows(o)])
        await upsert_rows(
            self._tx,
            tables.order_shipments,
            [row for order in orders for row in shipment_rows(order)],
            key=("order_id", "id"),
        )
        await upsert_rows(
            self._tx,
            tables.order_returns,
            [row for order in orders for row in return_rows(order)],
            key=("id",),
        )
        await insert_rows(
            self._tx, tables.order_timeline, [row for o in orders for row in timeline_rows(o)]
        )
        await self._write_terms([order for order in orders if order.terms_changed])
        for order in orders:
            order.news.clear()

    async def _write_terms(self, orders: Sequence[Order]) -> None:
        """
        Write what was agreed anew: lines, address, totals. Rare, so apart from the rest.
        """
        if not orders:
            return
        rows = [row_from_terms(order) for order in orders]
        await update_rows(self._tx, tables.orders, rows, key=("id",))
        lines = [row for order in orders for row in line_rows(order)]
        await self._tx.run(
            _REMOVE_LINES,
            {
                **rows_wanted([order.id for order in orders]),
                "kept": [line["order_id"] for line in lines],
                "numbers": [line["number"] for line in lines],
            },
        )
        kept = [{name: row[name] for name in ("order_id", "number", "quantity")} for row in lines]
        await update_rows(self._tx, tables.order_lines, kept, key=("order_id", "number"))
        for order in orders:
            order.terms_changed = False


def _by_order(rows: Sequence[Row[Any]]) -> Mapping[UUID, Sequence[Row[Any]]]:
    by_order: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_order[row.order_id].append(row)
    return by_order
