"""Use case: a provider did not say in time whether work can be given up, and so agrees."""

from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.whole_cancellation import by_order, settle_cancellation

BATCH = 200


async def expire_cancellations(
    *, uow: UnitOfWork, clock: Clock, answer_within: timedelta, limit: int = BATCH
) -> int:
    """
    Take silence for a yes on up to *limit* orders, and return how many there were.

    Safe with any number of replicas: the work is locked before it is looked at, and who comes
    second finds nothing overdue.
    """
    now = clock()
    async with uow() as tx:
        order_ids = await tx.open_cancellations.overdue(now, limit=limit)
        found = await tx.fulfillment_orders.of_orders(order_ids) if order_ids else ()
        for order in found:
            order.lapse_cancellation(now)
        for work in by_order(found).values():
            settle_cancellation(work, answer_by=now + answer_within)
        await tx.fulfillment_orders.save(found)
    return len(order_ids)


async def next_cancellation_deadline(*, uow: UnitOfWork) -> datetime | None:
    """
    Return by when the first of all is to be answered.
    """
    async with uow() as tx:
        return await tx.open_cancellations.next_deadline()
