"""Use case: an account follows one of its orders."""

from collections.abc import AsyncIterator, Sequence

from services.order.application.get_order import get_order
from services.order.application.ports import OrderChanges, TracedEntry, UnitOfWork
from services.order.domain.order import Order
from services.order.domain.values import AccountId, OrderId


async def watch_order(
    account_id: AccountId, order_id: OrderId, *, uow: UnitOfWork, changes: OrderChanges
) -> AsyncIterator[tuple[Order, Sequence[TracedEntry]]]:
    """
    Yield an order as it is, and again whenever it has changed, until it has ended.

    Raises:
        OrderNotFound: This account has no such order.
    """
    seen = 0
    async for _ in changes.watch(order_id):
        order, timeline = await get_order(account_id, order_id, uow=uow)
        if order.version > seen:
            seen = order.version
            yield order, timeline
        if order.has_ended:
            return
