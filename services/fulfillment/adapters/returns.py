"""Returns, kept in PostgreSQL: few statements, however many returns."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from chassis.events.outbox import Outbox
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from services.fulfillment.adapters import tables
from services.fulfillment.adapters.return_rows import (
    changes_from_return,
    receipt_from_row,
    return_from_row,
    row_from_receipt,
    row_from_return,
)
from services.fulfillment.application.returns.ports import Place, Receipt
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import (
    AccountId,
    ReceiptId,
    ReturnId,
    ReturnState,
)
from services.fulfillment.domain.values import LocationId, OrderId
from services.fulfillment.wire.returns.events import return_event_to_wire

# NO KEY, so that receipts and labels may be added.
_LOCKED = "ORDER BY id FOR NO KEY UPDATE"

_WITH_IDS = text(f"SELECT * FROM returns WHERE id = ANY(CAST(:ids AS uuid[])) {_LOCKED}")
_OF_ORDERS = text(
    f"""
    SELECT * FROM returns
    WHERE order_id = ANY(CAST(:order_ids AS uuid[])) OR id = ANY(CAST(:ids AS uuid[])) {_LOCKED}
    """
)
# Not in the global order of locks, but it never waits for one.
_OVERDUE = text(
    """
    SELECT * FROM returns WHERE due_at <= :now
    ORDER BY due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
)
_FIND = text("SELECT * FROM returns WHERE id = :id")
_RECEIPTS = text("SELECT * FROM return_receipts WHERE id = ANY(CAST(:ids AS uuid[]))")


class SqlReturns:
    """
    Saves returns, their receipts and events together, or none of it.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox
        # As they stand in the database: what is written is what differs.
        self._read: dict[ReturnId, Mapping[str, Any]] = {}

    async def with_ids(self, ids: Collection[ReturnId]) -> Sequence[Return]:
        return self._known(await self._tx.rows(_WITH_IDS, {"ids": list(ids)}))

    async def of_orders(
        self, order_ids: Collection[OrderId], ids: Collection[ReturnId] = ()
    ) -> Sequence[Return]:
        wanted = {"order_ids": list(order_ids), "ids": list(ids)}
        return self._known(await self._tx.rows(_OF_ORDERS, wanted))

    async def overdue(self, now: datetime, *, limit: int) -> Sequence[Return]:
        return self._known(await self._tx.rows(_OVERDUE, {"now": now, "limit": limit}))

    async def find(self, return_id: ReturnId) -> Return | None:
        rows = await self._tx.rows(_FIND, {"id": return_id})
        return return_from_row(rows[0]) if rows else None

    async def of_account(
        self, account_id: AccountId, order_id: OrderId | None, *, after: Place | None, limit: int
    ) -> Sequence[Return]:
        conditions = ["account_id = :account_id"]
        values: dict[str, Any] = {"account_id": account_id, "limit": limit}
        if order_id:
            conditions.append("order_id = :order_id")
            values["order_id"] = order_id
        if after:
            conditions.append("(created_at, id) < (:moment, :id)")
            values |= {"moment": after.moment, "id": after.return_id}
        return await self._page(conditions, "created_at DESC, id DESC", values)

    async def waiting(
        self,
        state: ReturnState | None,
        location_id: LocationId | None,
        *,
        after: Place | None,
        limit: int,
    ) -> Sequence[Return]:
        # In so many words, for the partial indexes to be seen to fit.
        conditions = [f"state = '{state}'" if state else "to_be_sent_back"]
        values: dict[str, Any] = {"limit": limit}
        if location_id:
            conditions.append("location_id = :location_id")
            values["location_id"] = location_id
        if after:
            conditions.append("(since, id) > (:moment, :id)")
            values |= {"moment": after.moment, "id": after.return_id}
        return await self._page(conditions, "since, id", values)

    async def receipts(self, ids: Collection[ReceiptId]) -> Mapping[ReceiptId, Receipt]:
        rows = await self._tx.rows(_RECEIPTS, {"ids": list(ids)})
        return {ReceiptId(row.id): receipt_from_row(row) for row in rows}

    async def save(self, returns: Sequence[Return], receipts: Sequence[Receipt] = ()) -> None:
        changed = [some for some in returns if row_from_return(some) != self._read.get(some.id)]
        for some in changed:
            if some.version == 0:
                some.trace = trace_for(some.order_id)
            self._outbox.tell(some, return_event_to_wire)
        await save_aggregates(
            self._tx, tables.returns, changed, row_from_return, changes_from=changes_from_return
        )
        self._read |= {some.id: row_from_return(some) for some in changed}
        rows = sorted(map(row_from_receipt, receipts), key=lambda row: row["id"].int)
        await insert_rows(self._tx, tables.return_receipts, rows, raced=True)

    def _known(self, rows: Sequence[Row[Any]]) -> Sequence[Return]:
        found = [return_from_row(row) for row in rows]
        self._read |= {some.id: row_from_return(some) for some in found}
        return found

    async def _page(
        self, conditions: Sequence[str], order: str, values: Mapping[str, Any]
    ) -> Sequence[Return]:
        # All of it is ours but the values, which travel beside it.
        page = text(
            f"SELECT * FROM returns WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT :limit"
        )
        return [return_from_row(row) for row in await self._tx.rows(page, values)]
