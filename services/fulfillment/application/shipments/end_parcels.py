"""Parcels come to an end that somebody tells of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.gone_parcels import gone_of, save_with_returns
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.values import FulfillmentOrderId, ShipmentId

# What becomes of a parcel.
End = Callable[[FulfillmentOrder, ShipmentId, datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndParcel:
    fulfillment_order_id: FulfillmentOrderId
    shipment_id: ShipmentId


async def end_parcels(
    commands: Sequence[EndParcel],
    end: End,
    *,
    uow: UnitOfWork,
    clock: Clock,
    policy: ReturnPolicy = DEFAULT_POLICY,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Let each parcel come to its *end*, or say why it can't.
    """
    async with uow() as tx:
        found = await tx.fulfillment_orders.with_ids({c.fulfillment_order_id for c in commands})
        orders, gone, now = {order.id: order for order in found}, gone_of(found), clock()
        answers = [_end(orders.get(c.fulfillment_order_id), c, end, now) for c in commands]
        await save_with_returns(found, gone_before=gone, tx=tx, now=now, policy=policy)
    return answers


def _end(
    order: FulfillmentOrder | None, command: EndParcel, end: End, now: datetime
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.ShipmentNotFound(f"there is no shipment {command.shipment_id}")
    try:
        end(order, command.shipment_id, now)
    except DomainError as refusal:
        return refusal
    return order
