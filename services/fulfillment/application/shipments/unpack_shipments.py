"""Use case: packed parcels are taken apart again."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, ProviderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackShipment:
    fulfillment_order_id: FulfillmentOrderId
    shipment_id: ShipmentId
    provider_id: ProviderId


async def unpack_shipments(
    commands: Sequence[UnpackShipment], *, uow: UnitOfWork
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Take each parcel apart, or say why not. Its label goes with it.

    Safe to repeat: what is no parcel any more is not found, and nothing changes.
    """
    async with uow() as tx:
        found = await tx.fulfillment_orders.with_ids({c.fulfillment_order_id for c in commands})
        orders = {order.id: order for order in found}
        answers = [_unpack(orders.get(c.fulfillment_order_id), c) for c in commands]
        await tx.fulfillment_orders.save(found)
    return answers


def _unpack(
    order: FulfillmentOrder | None, command: UnpackShipment
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.ShipmentNotFound(f"there is no shipment {command.shipment_id}")
    try:
        order.unpack(command.shipment_id, command.provider_id)
    except DomainError as refusal:
        return refusal
    return order
