"""Fulfillment orders, kept in PostgreSQL: few statements, however many orders."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, text

from chassis.events.outbox import Outbox
from chassis.kernel.errors import Conflict
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_missing_rows, insert_rows, update_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from services.fulfillment.adapters import tables
from services.fulfillment.adapters.provider_days import SqlProviderDays
from services.fulfillment.adapters.rows import (
    offer_from_row,
    order_from_row,
    row_from_new_offer,
    row_from_offer,
    row_from_order,
)
from services.fulfillment.adapters.shipment_rows import row_from_shipment, shipment_from_row
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import (
    FulfillmentOrderId,
    OfferId,
    OrderId,
    ProviderId,
    ShipmentId,
)
from services.fulfillment.wire.events import event_to_wire

# The lock is on the root row, and every writer takes it before it reads the rest: a statement of
# its own then sees what the former holder has committed. NO KEY, so that children may be added.
_LOCKED = "ORDER BY id FOR NO KEY UPDATE"

_WITH_IDS = text(f"SELECT * FROM fulfillment_orders WHERE id = ANY(CAST(:ids AS uuid[])) {_LOCKED}")
_WITH_OFFERS = text(
    f"""
    SELECT * FROM fulfillment_orders
    WHERE id IN (SELECT fulfillment_order_id FROM offers WHERE id = ANY(CAST(:ids AS uuid[])))
    {_LOCKED}
    """
)
_BESIDE = text(
    f"""
    SELECT * FROM fulfillment_orders
    WHERE order_id IN (
        SELECT order_id FROM fulfillment_orders WHERE id = ANY(CAST(:ids AS uuid[])))
    {_LOCKED}
    """
)
_OF_ORDERS = text(
    f"SELECT * FROM fulfillment_orders WHERE order_id = ANY(CAST(:ids AS uuid[])) {_LOCKED}"
)
# Not in the global order of locks, but it never waits for one.
_WITH_OVERDUE_OFFERS = text(
    """
    SELECT fulfillment_orders.* FROM offers
    JOIN fulfillment_orders ON fulfillment_orders.id = offers.fulfillment_order_id
    WHERE offers.state = 'SUBMITTED' AND offers.expires_at <= :now
    ORDER BY offers.expires_at LIMIT :limit
    FOR NO KEY UPDATE OF fulfillment_orders SKIP LOCKED
    """
)
# The same holds; and many may be of one order.
_WITH_OVERDUE_SHIPMENTS = text(
    """
    SELECT fulfillment_orders.* FROM shipments
    JOIN fulfillment_orders ON fulfillment_orders.id = shipments.fulfillment_order_id
    WHERE shipments.state = 'DISPATCHED' AND shipments.dispatched_at <= :dispatched_by
    ORDER BY shipments.dispatched_at LIMIT :limit
    FOR NO KEY UPDATE OF fulfillment_orders SKIP LOCKED
    """
)
# Three statements that see the same moment, without a lock.
_ONE_MOMENT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
_OF_ORDER = text("SELECT * FROM fulfillment_orders WHERE order_id = :id ORDER BY location_id")
_DONE_BY = text(
    """
    SELECT * FROM fulfillment_orders
    WHERE done_by = :provider_id AND status = 'IN_PROGRESS'
        AND id > COALESCE(:after, '00000000-0000-0000-0000-000000000000')
    ORDER BY id LIMIT :limit
    """
).bindparams(bindparam("after", type_=Uuid))
_OFFERS = text(
    """
    SELECT id AS offer_id, fulfillment_order_id, provider_id, state, expires_at, reason,
        change_number AS offer_change_number, day AS offer_day
    FROM offers WHERE fulfillment_order_id = ANY(CAST(:ids AS uuid[])) ORDER BY id
    """
)
_SHIPMENTS = text(
    "SELECT * FROM shipments WHERE fulfillment_order_id = ANY(CAST(:ids AS uuid[])) ORDER BY number"
)
_UNPACK = text("DELETE FROM shipments WHERE id = ANY(CAST(:ids AS uuid[]))")
_HOLDERS = text(
    "SELECT id, fulfillment_order_id FROM shipments WHERE id = ANY(CAST(:ids AS uuid[]))"
)


class SqlFulfillmentOrders:
    """
    Saves fulfillment orders, their offers, shipments and events together, or none of it.
    """

    def __init__(self, tx: Transaction, outbox: Outbox, provider_days: SqlProviderDays) -> None:
        self._tx = tx
        self._provider_days = provider_days
        self._outbox = outbox
        # The parts of what was read, as they stand in the database: what is written is what
        # differs. They are immutable, so a part that is still itself has not changed.
        self._read_offers: dict[OfferId, Offer] = {}
        self._read_shipments: dict[ShipmentId, Shipment] = {}
        # By the work they are of: what is unpacked meanwhile leaves a gap in the numbers.
        self._numbers: dict[UUID, dict[ShipmentId, int]] = {}

    async def with_ids(self, ids: Collection[FulfillmentOrderId]) -> Sequence[FulfillmentOrder]:
        return await self._with_parts(await self._tx.rows(_WITH_IDS, {"ids": list(ids)}))

    async def with_offers(self, offer_ids: Collection[OfferId]) -> Sequence[FulfillmentOrder]:
        return await self._with_parts(await self._tx.rows(_WITH_OFFERS, {"ids": list(offer_ids)}))

    async def beside(self, ids: Collection[FulfillmentOrderId]) -> Sequence[FulfillmentOrder]:
        return await self._with_parts(await self._tx.rows(_BESIDE, {"ids": list(ids)}))

    async def of_orders(self, order_ids: Collection[OrderId]) -> Sequence[FulfillmentOrder]:
        return await self._with_parts(await self._tx.rows(_OF_ORDERS, {"ids": list(order_ids)}))

    async def with_overdue_offers(self, now: datetime, *, limit: int) -> Sequence[FulfillmentOrder]:
        roots = await self._tx.rows(_WITH_OVERDUE_OFFERS, {"now": now, "limit": limit})
        return await self._with_parts(roots)

    async def with_overdue_shipments(
        self, dispatched_by: datetime, *, limit: int
    ) -> Sequence[FulfillmentOrder]:
        parameters = {"dispatched_by": dispatched_by, "limit": limit}
        roots = await self._tx.rows(_WITH_OVERDUE_SHIPMENTS, parameters)
        return await self._with_parts(list({root.id: root for root in roots}.values()))

    async def of_order(self, order_id: OrderId) -> Sequence[FulfillmentOrder]:
        await self._tx.run(_ONE_MOMENT)
        return await self._with_parts(await self._tx.rows(_OF_ORDER, {"id": order_id}))

    async def done_by(
        self, provider_id: ProviderId, *, after: FulfillmentOrderId | None, limit: int
    ) -> Sequence[FulfillmentOrder]:
        await self._tx.run(_ONE_MOMENT)
        page = {"provider_id": provider_id, "after": after, "limit": limit}
        return await self._with_parts(await self._tx.rows(_DONE_BY, page))

    async def holders_of(
        self, shipment_ids: Collection[ShipmentId]
    ) -> Mapping[ShipmentId, FulfillmentOrderId]:
        rows = await self._tx.rows(_HOLDERS, {"ids": list(shipment_ids)})
        return {ShipmentId(row.id): FulfillmentOrderId(row.fulfillment_order_id) for row in rows}

    async def save(self, orders: Sequence[FulfillmentOrder]) -> None:
        changed = [order for order in orders if self._tell(order) or self._is_packed_anew(order)]
        if not changed:
            return
        await save_aggregates(self._tx, tables.fulfillment_orders, changed, row_from_order)
        await self._save_offers(changed)
        await self._save_shipments(changed)
        await self._provider_days.note([note for o in changed for note in o.pull_notes()])

    def _tell(self, order: FulfillmentOrder) -> bool:
        """
        Tell what *order* has recorded, and return whether that was anything: if not, nothing but
        its parcels can have changed.
        """
        if order.version == 0:
            # The consumer files a confirmed order's trace under the order.
            order.trace = trace_for(order.order_id)
        told_before = order.event_count
        self._outbox.tell(order, event_to_wire)
        return order.event_count > told_before

    async def _save_offers(self, orders: Sequence[FulfillmentOrder]) -> None:
        fresh, changed = [], []
        for order in orders:
            for offer in order.offers:
                read = self._read_offers.get(offer.id)
                if read is None:
                    fresh.append(row_from_new_offer(offer, order))
                elif read is not offer:
                    changed.append(row_from_offer(offer, order))
        # First the old ones end, then the new ones begin: at most one of an order is live.
        await update_rows(self._tx, tables.offers, changed, key=["id"])
        await insert_rows(self._tx, tables.offers, fresh)

    def _is_packed_anew(self, order: FulfillmentOrder) -> bool:
        read = self._numbers.get(order.id, {})
        return len(read) != len(order.shipments) or any(
            self._read_shipments.get(shipment.id) is not shipment for shipment in order.shipments
        )

    async def _save_shipments(self, orders: Sequence[FulfillmentOrder]) -> None:
        fresh, changed = [], []
        gone: list[ShipmentId] = []
        for order in orders:
            numbers = self._numbers.setdefault(order.id, {})
            gone += numbers.keys() - {shipment.id for shipment in order.shipments}
            for shipment in order.shipments:
                read = self._read_shipments.get(shipment.id)
                if read is None:
                    numbers[shipment.id] = max(numbers.values(), default=0) + 1
                    fresh.append(row_from_shipment(shipment, order, numbers[shipment.id]))
                elif read is not shipment:
                    changed.append(row_from_shipment(shipment, order, numbers[shipment.id]))
        if gone:
            await self._tx.run(_UNPACK, {"ids": gone})
        await update_rows(self._tx, tables.shipments, changed, key=["id"])
        fresh.sort(key=lambda row: row["id"])
        inserted = await insert_missing_rows(self._tx, tables.shipments, fresh, returning="id")
        if len(inserted) != len(fresh):
            # Asked again, the one that is there now is found and told apart.
            raise Conflict("a shipment of the same id has left for another order meanwhile")

    async def _with_parts(self, roots: Sequence[Row[Any]]) -> Sequence[FulfillmentOrder]:
        if not roots:
            return []
        offers: dict[UUID, list[Offer]] = defaultdict(list)
        for row in await self._tx.rows(_OFFERS, {"ids": [root.id for root in roots]}):
            offers[row.fulfillment_order_id].append(offer_from_row(row))
        shipments: dict[UUID, list[Shipment]] = defaultdict(list)
        if packed := [root.id for root in roots if root.packed_units]:
            for row in await self._tx.rows(_SHIPMENTS, {"ids": packed}):
                shipments[row.fulfillment_order_id].append(shipment_from_row(row))
                numbers = self._numbers.setdefault(row.fulfillment_order_id, {})
                numbers[ShipmentId(row.id)] = row.number
        self._read_offers |= {o.id: o for some in offers.values() for o in some}
        self._read_shipments |= {s.id: s for some in shipments.values() for s in some}
        return [
            order_from_row(root, offers=offers[root.id], shipments=shipments[root.id])
            for root in roots
        ]
