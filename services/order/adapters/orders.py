"""Orders, kept in PostgreSQL: any number in a handful of statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from chassis.events.outbox import Outbox
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_rows, rows_of, rows_wanted, upsert_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_id_of
from services.order.adapters import tables
from services.order.application.ports import OrderNotFound, TracedEntry
from services.order.domain.order import Order, TimelineEntry
from services.order.domain.shipment import Shipment
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderCharge,
    OrderId,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    Reason,
    ShipmentId,
)
from services.order.wire import event_to_wire

_ORDERS = rows_of(tables.orders, order="id")
_LINES = rows_of(tables.order_lines, order="number")
_SHIPMENTS = rows_of(tables.order_shipments, order="id")
_TIMELINE = text("SELECT * FROM order_timeline WHERE order_id = :id ORDER BY number")
_PAGE = text(
    """
    SELECT id FROM orders
    WHERE account_id = :account_id AND id < CAST(:before AS uuid)
        AND (CAST(:statuses AS text[]) = '{}' OR status = ANY(CAST(:statuses AS text[])))
    ORDER BY id DESC LIMIT :limit
    """
)
# Sorts after every order.
_LAST = UUID(int=2**128 - 1)


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
        return {
            OrderId(row.id): order_from_rows(row, lines[row.id], shipments.get(row.id, ()))
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
    ) -> Sequence[Order]:
        rows = await self._tx.rows(
            _PAGE,
            {
                "account_id": account_id,
                "before": before or _LAST,
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
        await insert_rows(
            self._tx, tables.order_timeline, [row for o in orders for row in timeline_rows(o)]
        )
        for order in orders:
            order.news.clear()


def _by_order(rows: Sequence[Row[Any]]) -> Mapping[UUID, Sequence[Row[Any]]]:
    by_order: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_order[row.order_id].append(row)
    return by_order


def order_from_rows(
    row: Row[Any], lines: Sequence[Row[Any]], shipments: Sequence[Row[Any]]
) -> Order:
    currency = row.currency
    return Order(
        id=OrderId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        account_id=AccountId(row.account_id),
        channel=Channel(row.channel),
        status=OrderStatus(row.status),
        payment_status=PaymentStatus(row.payment_status),
        fulfillment_status=FulfillmentStatus(row.fulfillment_status),
        reason=Reason(row.reason) if row.reason else None,
        reference=row.reference,
        shipping=Money(row.shipping, currency),
        discount=Money(row.discount, currency),
        shipping_lines=charges_from_row(row.shipping_lines, currency),
        discount_lines=charges_from_row(row.discount_lines, currency),
        psp_token=row.psp_token,
        ship_to=Address(**{**row.ship_to, "lines": tuple(row.ship_to["lines"])}),
        lines=tuple(
            OrderLine(
                sku=Sku(line.sku),
                title=line.title,
                quantity=Quantity(line.quantity),
                unit_price=Money(line.unit_price, currency),
            )
            for line in lines
        ),
        allocations=tuple(
            Allocation(sku=Sku(sku), location_id=LocationId(location), units=units)
            for sku, location, units in row.allocations
        ),
        unfulfillable=tuple(LocationId(location) for location in row.unfulfillable),
        shipments={ShipmentId(s.id): shipment_from_row(s, currency) for s in shipments},
        created_at=row.created_at,
        updated_at=row.updated_at,
        news_count=row.news_count,
    )


def charges_from_row(entries: Sequence[tuple[str, int]], currency: str) -> tuple[OrderCharge, ...]:
    return tuple(OrderCharge(title=t, amount=Money(units, currency)) for t, units in entries)


def row_from_order(order: Order) -> dict[str, Any]:
    return {
        **changes_from_order(order),
        "trace": order.trace,
        "account_id": order.account_id,
        "channel": order.channel,
        "reference": order.reference,
        "currency": order.currency,
        "items_total": order.items_total.minor_units,
        "shipping": order.shipping.minor_units,
        "discount": order.discount.minor_units,
        "grand_total": order.grand_total.minor_units,
        "shipping_lines": [(c.title, c.amount.minor_units) for c in order.shipping_lines],
        "discount_lines": [(c.title, c.amount.minor_units) for c in order.discount_lines],
        "psp_token": order.psp_token,
        "ship_to": order.ship_to,
        "created_at": order.created_at,
    }


def changes_from_order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "version": order.version,
        "event_count": order.event_count,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "reason": order.reason or "",
        "allocations": [(a.sku, a.location_id, a.units) for a in order.allocations],
        "unfulfillable": order.unfulfillable,
        "news_count": order.news_count,
        "updated_at": order.updated_at,
    }


def line_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "number": number,
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity.units,
            "unit_price": line.unit_price.minor_units,
        }
        for number, line in enumerate(order.lines, start=1)
    ]


def shipment_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "id": shipment.id,
            "location_id": shipment.location_id,
            "goods": [(item.sku, item.units) for item in shipment.goods],
            "value": shipment.value.minor_units,
            "shipping": shipment.shipping.minor_units,
            "captured": shipment.captured,
            "dispatched_at": shipment.dispatched_at,
            "delivered_at": shipment.delivered_at,
        }
        for shipment in order.shipments.values()
    ]


def shipment_from_row(row: Row[Any], currency: str) -> Shipment:
    return Shipment(
        id=ShipmentId(row.id),
        location_id=LocationId(row.location_id),
        goods=tuple(Goods(sku=Sku(sku), units=units) for sku, units in row.goods),
        value=Money(row.value, currency),
        shipping=Money(row.shipping, currency),
        captured=row.captured,
        dispatched_at=row.dispatched_at,
        delivered_at=row.delivered_at,
    )


def timeline_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "number": number,
            "at": entry.at,
            "what": entry.what,
            "cause": entry.cause,
            "trace_id": trace_id_of(order.trace),
        }
        for number, entry in enumerate(order.news, start=order.news_count - len(order.news) + 1)
    ]
