"""What the databases have of invoices: read past the services and their code."""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from deploy.local.auditing.expected import Expected
from deploy.local.cluster import Cluster
from deploy.local.invariants.evidence import connect

_ORDERS = """
    SELECT id, account_id, reference, status, reason FROM orders
    WHERE reference = ANY($1::text[])
"""
_ORDERED = """
    SELECT order_id, sku, sum(quantity)::bigint AS units FROM order_lines
    WHERE order_id = ANY($1::uuid[]) GROUP BY 1, 2
"""
_PARCELS = """
    SELECT order_id, shipments.id, each ->> 0 AS sku, (each ->> 1)::bigint AS units
    FROM fulfillment_orders AS work JOIN shipments ON fulfillment_order_id = work.id,
        jsonb_array_elements(shipments.goods) AS each
    WHERE order_id = ANY($1::uuid[]) AND shipments.state = 'DELIVERED'
"""
_RETURNS = """
    SELECT id, order_id, state, refunded_minor_units AS refunded, line ->> 'sku' AS sku,
        (line ->> 'sellable')::bigint + (line ->> 'damaged')::bigint AS units
    FROM returns, jsonb_array_elements(lines) AS line
    WHERE order_id = ANY($1::uuid[])
"""
_BOOKED_OUT = """
    SELECT reservation_id AS order_id, sku, -sum(delta_on_hand)::bigint AS units
    FROM reservation_shipments JOIN stock_movements
        ON cause_id = shipment_id AND kind = 'SHIPPED'
    WHERE reservation_id = ANY($1::uuid[]) GROUP BY 1, 2
"""
_RESTOCKED = """
    SELECT cause_id, sum(delta_on_hand)::bigint AS units FROM stock_movements
    WHERE kind = 'RETURNED' GROUP BY cause_id
"""
_PAYMENTS = "SELECT id, captured, refunded FROM payments WHERE id = ANY($1::uuid[])"
_REFUNDS = """
    SELECT payment_id, request_id, sum(moved)::bigint AS moved FROM payment_transactions
    WHERE kind = 'REFUND' AND state = 'SUCCEEDED' AND payment_id = ANY($1::uuid[]) GROUP BY 1, 2
"""
AT_ONCE = 5_000


@dataclass(slots=True, kw_only=True)
class FoundReturn:
    """
    Attributes:
        noted: What fulfillment has noted as paid back, in minor units.
        paid: What payment has paid back for it.
    """

    state: str = "MISSING"
    noted: int = 0
    paid: int = 0
    units: Counter[str] = field(default_factory=Counter)
    restocked: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Found:
    """
    One order. Units are by SKU, money is in minor units.

    Attributes:
        shipped: Units in parcels that were delivered.
        booked_out: Units that left the stock for it.
    """

    order_id: UUID
    status: str
    reason: str
    ordered: Counter[str] = field(default_factory=Counter)
    shipped: Counter[str] = field(default_factory=Counter)
    booked_out: Counter[str] = field(default_factory=Counter)
    captured: int = 0
    refunded: int = 0
    returns: dict[str, FoundReturn] = field(default_factory=lambda: defaultdict(FoundReturn))


class Databases:
    """
    Each database as it is at one moment.
    """

    def __init__(self, connections: dict[str, Any]) -> None:
        self._connections = connections

    async def found(self, invoices: Sequence[Expected]) -> dict[str, list[Found]]:
        """
        Return the orders of *invoices*, by their number.
        """
        found: dict[str, list[Found]] = defaultdict(list)
        restocked = {
            row["cause_id"]: row["units"] for row in await self._rows("product", _RESTOCKED)
        }
        for start in range(0, len(invoices), AT_ONCE):
            some = invoices[start : start + AT_ONCE]
            accounts = {each.invoice: each.account_id for each in some}
            orders: dict[UUID, Found] = {}
            for row in await self._rows("order", _ORDERS, list(accounts)):
                if row["account_id"] == accounts[row["reference"]]:
                    order = Found(order_id=row["id"], status=row["status"], reason=row["reason"])
                    orders[order.order_id] = order
                    found[row["reference"]].append(order)
            await self._read_goods(orders)
            await self._read_money(orders)
            for order in orders.values():
                for return_id, each in order.returns.items():
                    each.restocked = _restocked(return_id, each.units, restocked)
        return found

    async def _read_goods(self, orders: dict[UUID, Found]) -> None:
        ids = list(orders)
        for row in await self._rows("order", _ORDERED, ids):
            orders[row["order_id"]].ordered[row["sku"]] += row["units"]
        for row in await self._rows("fulfillment", _PARCELS, ids):
            orders[row["order_id"]].shipped[row["sku"]] += row["units"]
        for row in await self._rows("product", _BOOKED_OUT, ids):
            orders[row["order_id"]].booked_out[row["sku"]] += row["units"]
        for row in await self._rows("fulfillment", _RETURNS, ids):
            each = orders[row["order_id"]].returns[str(row["id"])]
            each.state, each.noted = row["state"], row["refunded"] or 0
            if row["units"]:
                each.units[row["sku"]] += row["units"]

    async def _read_money(self, orders: dict[UUID, Found]) -> None:
        for row in await self._rows("payment", _PAYMENTS, list(orders)):
            order = orders[row["id"]]
            order.captured, order.refunded = row["captured"], row["refunded"]
        for row in await self._rows("payment", _REFUNDS, list(orders)):
            order = orders[row["payment_id"]]
            # Who pays back without a return has another id for it: shown as one that is missing.
            order.returns[row["request_id"]].paid += row["moved"]

    async def _rows(self, context: str, query: str, *values: Any) -> Iterable[Any]:
        rows: list[Any] = await self._connections[context].fetch(query, *values)
        return rows


def _restocked(return_id: str, units: Counter[str], booked: dict[UUID, int]) -> Counter[str]:
    """
    Return what was booked in for a return: the id of each booking follows from it.
    """
    restocked: Counter[str] = Counter()
    for sku in units:
        for condition in ("SELLABLE", "DAMAGED"):
            if count := booked.get(uuid5(UUID(return_id), sku + condition)):
                restocked[sku] += count
    return restocked


@asynccontextmanager
async def databases_of(cluster: Cluster) -> AsyncGenerator[Databases]:
    """
    Read the databases of *cluster* for the length of the block.
    """
    async with AsyncExitStack() as stack:
        connections: dict[str, Any] = {}
        for context, database in cluster.databases.items():
            connections[context] = connection = await connect(database.admin)
            stack.push_async_callback(connection.close)
            await stack.enter_async_context(
                connection.transaction(isolation="repeatable_read", readonly=True)
            )
        yield Databases(connections)
