"""Use case: parcels are given up as lost."""

from collections.abc import Sequence

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.end_parcels import EndParcel, end_parcels
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder


async def lose_shipments(
    commands: Sequence[EndParcel], *, uow: UnitOfWork, clock: Clock
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Give each parcel up and open a claim for what was in it, or say why not.

    Safe to repeat: a parcel ends once, and its claim has an id of its own.
    """
    return await end_parcels(commands, FulfillmentOrder.lose, uow=uow, clock=clock)
