"""Returns with their orders, kept in PostgreSQL."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text

from chassis.storage.database import Transaction
from services.order.adapters.orders import SqlOrders
from services.order.application.returns.ports import ReturnCase
from services.order.domain.values import OrderId, ReturnId

_FIND = text("SELECT id, order_id FROM order_returns WHERE id = ANY(CAST(:ids AS uuid[]))")


class SqlReturnCases:
    """
    Finds returns through their orders, which alone read and write them.
    """

    def __init__(self, tx: Transaction, orders: SqlOrders) -> None:
        self._tx = tx
        self._orders = orders

    async def find(self, ids: Sequence[UUID]) -> Mapping[UUID, ReturnCase]:
        order_of = {
            ReturnId(row.id): OrderId(row.order_id)
            for row in await self._tx.rows(_FIND, {"ids": list(ids)})
        }
        orders = await self._orders.find([*{*order_of.values()}]) if order_of else {}
        return {
            return_id: ReturnCase(order=orders[order_id], return_id=return_id)
            for return_id, order_id in order_of.items()
            if order_id in orders
        }
