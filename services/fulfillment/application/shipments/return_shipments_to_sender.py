"""Use case: parcels come back undelivered."""

from collections.abc import Sequence

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.end_parcels import EndParcel, end_parcels
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy


async def return_shipments_to_sender(
    commands: Sequence[EndParcel],
    *,
    uow: UnitOfWork,
    clock: Clock,
    policy: ReturnPolicy = DEFAULT_POLICY,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Note that each parcel comes back and open a return for what is in it, or say why not.

    Safe to repeat: a parcel ends once, and its return has an id of its own.
    """
    return await end_parcels(
        commands, FulfillmentOrder.return_to_sender, uow=uow, clock=clock, policy=policy
    )
