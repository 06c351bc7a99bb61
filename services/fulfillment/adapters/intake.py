"""The intake, kept in PostgreSQL: one row an order, written once."""

from collections.abc import Collection, Set

from sqlalchemy import text

from chassis.storage.bulk import insert_missing_rows
from chassis.storage.database import Transaction
from services.fulfillment.adapters import tables
from services.fulfillment.domain.values import OrderId

_SHUT = text(
    "SELECT order_id FROM intake WHERE order_id = ANY(CAST(:ids AS uuid[])) AND NOT opened"
)


class SqlIntake:
    """
    Lets each order pass once: of two transactions that bring the same one, the second waits for
    the first and finds its row.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def admit(self, order_ids: Collection[OrderId]) -> Set[OrderId]:
        return await self._enter(order_ids, opened=True)

    async def shut(self, order_ids: Collection[OrderId]) -> None:
        await self._enter(order_ids, opened=False)

    async def shut_among(self, order_ids: Collection[OrderId]) -> Set[OrderId]:
        if not order_ids:
            return set()
        rows = await self._tx.rows(_SHUT, {"ids": list(order_ids)})
        return {OrderId(row.order_id) for row in rows}

    async def _enter(self, order_ids: Collection[OrderId], *, opened: bool) -> Set[OrderId]:
        # One global order, so that two batches never wait for each other in a circle.
        rows = [{"order_id": order_id, "opened": opened} for order_id in sorted(order_ids)]
        return await insert_missing_rows(self._tx, tables.intake, rows, returning="order_id")
