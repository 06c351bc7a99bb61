"""Use case: parcels arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverShipment:
    fulfillment_order_id: FulfillmentOrderId
    shipment_id: ShipmentId


async def deliver_shipments(
    commands: Sequence[DeliverShipment], *, uow: UnitOfWork, clock: Clock
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Note each parcel that arrived, or say that there is none such.

    Safe to repeat: a parcel arrives once, and is answered again.
    """
    async with uow() as tx:
        found = await tx.fulfillment_orders.with_ids({c.fulfillment_order_id for c in commands})
        orders, now = {order.id: order for order in found}, clock()
        answers = [_deliver(orders.get(c.fulfillment_order_id), c, now) for c in commands]
        await tx.fulfillment_orders.save(found)
    return answers


def _deliver(
    order: FulfillmentOrder | None, command: DeliverShipment, now: datetime
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.ShipmentNotFound(f"there is no shipment {command.shipment_id}")
    try:
        order.deliver(command.shipment_id, now)
    except DomainError as refusal:
        return refusal
    return order
