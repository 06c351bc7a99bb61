"""What happens to parcels by the passing of time."""

from datetime import timedelta
from functools import partial

from chassis.kernel.clock import Clock
from chassis.repeat import repeat
from services.fulfillment.application.labels import Labels
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.lose_overdue_shipments import (
    lose_overdue_shipments,
)
from services.fulfillment.application.shipments.make_labels import make_labels

# Only what somebody left undone: mostly nothing.
LABELS_SECONDS = 5.0
# Parcels are overdue after weeks.
LOST_SECONDS = 60.0


async def keep_making_labels(*, uow: UnitOfWork, labels: Labels, clock: Clock) -> None:
    """
    Make the labels that are late, until cancelled.
    """
    make = partial(make_labels, uow=uow, labels=labels, clock=clock)
    await repeat(make, name="make labels", every_seconds=LABELS_SECONDS, eager=True)


async def keep_losing_overdue(*, uow: UnitOfWork, clock: Clock, lost_after: timedelta) -> None:
    """
    Give up the parcels that are under way for too long, until cancelled.
    """
    lose = partial(lose_overdue_shipments, uow=uow, clock=clock, lost_after=lost_after)
    await repeat(lose, name="lose overdue shipments", every_seconds=LOST_SECONDS, eager=True)
