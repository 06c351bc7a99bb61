"""Use case: an account looks at one of its orders."""

from collections.abc import Sequence

from services.order.application.ports import TracedEntry, UnitOfWork
from services.order.domain.order import Order
from services.order.domain.values import AccountId, OrderId


async def get_order(
    account_id: AccountId, order_id: OrderId, *, uow: UnitOfWork
) -> tuple[Order, Sequence[TracedEntry]]:
    """
    Return an order and its timeline.

    Raises:
        OrderNotFound: This account has no such order.
    """
    async with uow() as tx:
        order = await tx.orders.get(account_id, order_id)
        return order, await tx.orders.timeline(order_id)
