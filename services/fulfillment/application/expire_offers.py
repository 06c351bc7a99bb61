"""Use case: a provider did not answer in time, so the next one is asked."""

from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.seek_providers import seek_providers
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights

BATCH = 200


async def expire_offers(
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
    limit: int = BATCH,
) -> int:
    """
    Let up to *limit* overdue offers expire, and return how many did.

    Safe with any number of replicas: each takes what no other has locked.
    """
    now = clock()
    async with uow() as tx:
        orders = await tx.fulfillment_orders.with_overdue_offers(now, limit=limit)
        lapsed = [order for order in orders if order.lapse(now)]
        await seek_providers(lapsed, tx=tx, now=now, answer_within=answer_within, weights=weights)
        await tx.fulfillment_orders.save(lapsed)
    return len(lapsed)


async def next_expiry(*, uow: UnitOfWork) -> datetime | None:
    """
    Return when the first open offer expires.
    """
    async with uow() as tx:
        return await tx.open_offers.next_expiry()
