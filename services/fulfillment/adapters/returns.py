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
from services.fulfillment.adapters.provider_days import SqlProviderDays
from services.fulfillment.adapters.return_rows import (
    changes_from_return,
    label_from_row,
    receipt_from_row,
    return_from_row,
    row_from_label,
    row_from_receipt,
    row_from_return,
)
from services.fulfillment.application.returns.ports import Place, Receipt
from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.domain.calendar import local_day
from services.fulfillment.domain.performance import ProviderNote
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import (
    AccountId,
    ReceiptId,
    ReturnId,
    ReturnState,
)
from services.fulfillment.domain.values import LocationId, OrderId, ProviderId
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
_LABEL = text("SELECT * FROM return_labels WHERE return_id = :id")
# Whoever accepted the work, and where its clock stands.
_SENDERS = text(
    """
    SELECT shipments.id, offers.provider_id, promise_time_zone
    FROM shipments
    JOIN fulfillment_orders ON fulfillment_orders.id = shipments.fulfillment_order_id
    JOIN offers ON offers.fulfillment_order_id = fulfillment_orders.id
    WHERE shipments.id = ANY(CAST(:ids AS uuid[])) AND offers.state = 'ACCEPTED'
    """
)


class SqlReturns:
    """
    Saves returns, their receipts and events together, or none of it.
    """

    def __init__(self, tx: Transaction, outbox: Outbox, provider_days: SqlProviderDays) -> None:
        self._tx = tx
        self._outbox = outbox
        self._provider_days = provider_days
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

    async def label(self, return_id: ReturnId) -> KeptLabel | None:
        rows = await self._tx.rows(_LABEL, {"id": return_id})
        return label_from_row(rows[0]) if rows else None

    async def keep_label(self, return_id: ReturnId, label: KeptLabel) -> None:
        row = row_from_label(return_id, label)
        await insert_rows(self._tx, tables.return_labels, [row], raced=True)

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
        await self._note_harm(changed)

    async def _note_harm(self, returns: Sequence[Return]) -> None:
        harmed = [(part, some.since) for some in returns for part in some.pull_harmed()]
        if not harmed:
            return
        ids = [part.shipment_id for part, _ in harmed]
        senders = {row.id: row for row in await self._tx.rows(_SENDERS, {"ids": ids})}
        notes = [
            ProviderNote(
                provider_id=ProviderId(sender.provider_id),
                day=local_day(at, sender.promise_time_zone or "UTC"),
                damaged=part.units,
            )
            for part, at in harmed
            if (sender := senders.get(part.shipment_id))
        ]
        await self._provider_days.note(notes)

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
