"""Use case: parcels left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.gone_parcels import gone_of, save_with_returns
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.values import FulfillmentOrderId, Goods, ProviderId, ShipmentId
from services.fulfillment.domain.whole_cancellation import OTHERS_GO_ON, by_order, keep_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchShipment:
    """
    Attributes:
        goods: What is in it; empty: what was packed in it or, if nothing was, all that is in no
            parcel yet.
    """

    shipment_id: ShipmentId
    fulfillment_order_id: FulfillmentOrderId
    provider_id: ProviderId
    goods: tuple[Goods, ...]
    tracking_number: str


async def dispatch_shipments(
    commands: Sequence[DispatchShipment],
    *,
    uow: UnitOfWork,
    clock: Clock,
    policy: ReturnPolicy = DEFAULT_POLICY,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Note each parcel that left, or say why it can't have.

    Safe to repeat: a shipment id stands for one parcel, for ever and everywhere. All the work of
    an order is locked: where it was asked to be given up, a parcel that leaves ends that.
    """
    async with uow() as tx:
        found = await tx.fulfillment_orders.beside({c.fulfillment_order_id for c in commands})
        orders = {order.id: order for order in found}
        holders = await tx.fulfillment_orders.holders_of({c.shipment_id for c in commands})
        now, held, gone = clock(), dict(holders), gone_of(found)
        answers = [_dispatch(orders.get(c.fulfillment_order_id), c, held, now) for c in commands]
        for work in by_order(found).values():
            if any(shipment.has_left for order in work for shipment in order.shipments):
                keep_whole(work, OTHERS_GO_ON)
        await save_with_returns(found, gone_before=gone, tx=tx, now=now, policy=policy)
    return answers


def _dispatch(
    order: FulfillmentOrder | None,
    command: DispatchShipment,
    held: dict[ShipmentId, FulfillmentOrderId],
    now: datetime,
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.FulfillmentOrderNotFound(
            f"there is no fulfillment order {command.fulfillment_order_id}"
        )
    if held.get(command.shipment_id, order.id) != order.id:
        return refusals.ShipmentMismatch(f"shipment {command.shipment_id} is of other work")
    try:
        order.dispatch(
            command.shipment_id,
            command.provider_id,
            goods=command.goods,
            tracking_number=command.tracking_number,
            now=now,
        )
    except DomainError as refusal:
        return refusal
    held[command.shipment_id] = order.id
    return order
