"""Use case: somebody looks at the work on an order."""

from collections.abc import Sequence

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import OrderId


async def list_fulfillment_orders(
    order_id: OrderId, *, uow: UnitOfWork
) -> Sequence[FulfillmentOrder]:
    """
    Return the fulfillment orders of an order, one per location; none if nothing was opened.
    """
    async with uow() as tx:
        return await tx.fulfillment_orders.of_order(order_id)
