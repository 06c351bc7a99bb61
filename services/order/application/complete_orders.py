"""What follows for orders whose parcels have ended."""

from collections.abc import Sequence

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.order import Order


async def complete_orders(orders: Sequence[Order], *, tx: Transaction, clock: Clock) -> None:
    """
    Save *orders*. Those that are done are completed, and their sagas end: nobody else has to be
    asked.
    """
    done = [order for order in orders if order.is_done]
    for order in done:
        order.complete(clock())
    await tx.sagas.end([order.id for order in done])
    await tx.orders.save(orders)
