"""Use case: parcels that are under way for too long are given up as lost."""

from datetime import timedelta

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.gone_parcels import gone_of, save_with_returns

BATCH = 200


async def lose_overdue_shipments(
    *, uow: UnitOfWork, clock: Clock, lost_after: timedelta, limit: int = BATCH
) -> int:
    """
    Give up parcels that left *lost_after* ago or earlier, and return of how many fulfillment
    orders.

    Safe with any number of replicas: each takes what no other has locked.
    """
    now = clock()
    by = now - lost_after
    async with uow() as tx:
        orders = await tx.fulfillment_orders.with_overdue_shipments(by, limit=limit)
        gone = gone_of(orders)
        for order in orders:
            for shipment in order.shipments:
                if shipment.is_overdue(by):
                    order.lose(shipment.id, now)
        await save_with_returns(orders, gone_before=gone, tx=tx, now=now)
    return len(orders)
