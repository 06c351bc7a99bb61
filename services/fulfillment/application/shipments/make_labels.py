"""Use case: labels that nobody has made in time are made after all."""

from datetime import timedelta

from chassis.kernel.clock import Clock
from services.fulfillment.application.labels import Labels
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.label_parcels import label_parcels, wanted_labels

BATCH = 200

# Whoever has claimed one and dies leaves it to the next after this time.
AGAIN_AFTER = timedelta(seconds=30)


async def make_labels(*, uow: UnitOfWork, labels: Labels, clock: Clock, limit: int = BATCH) -> int:
    """
    Make up to *limit* labels that are late, and return how many were tried.

    Safe with any number of replicas: each claims what no other has, for a while.

    Raises:
        LabelsUnavailable: None can be had: they are late again after that while.
    """
    now = clock()
    async with uow() as tx:
        due = await tx.parcel_labels.claim_due(now, until=now + AGAIN_AFTER, limit=limit)
        if not due:
            return 0
        holders = await tx.fulfillment_orders.holders_of(due)
        found = await tx.fulfillment_orders.with_ids(set(holders.values()))
        wanted = wanted_labels(found, due)
    await label_parcels(wanted, uow=uow, labels=labels)
    return len(due)
