"""Parcels that were sent for nothing: what was in them is made good for, or comes back."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.fulfillment.application.ports import Transaction
from services.fulfillment.application.returns.open_parcel_returns import (
    GoneParcel,
    open_parcel_returns,
)
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.values import ShipmentId, ShipmentState


def gone_of(orders: Sequence[FulfillmentOrder]) -> Collection[ShipmentId]:
    """
    Return the parcels of *orders* that were lost or have come back.
    """
    return {s.id for order in orders for s in order.shipments if s.is_gone}


async def save_with_returns(
    orders: Sequence[FulfillmentOrder],
    *,
    gone_before: Collection[ShipmentId],
    tx: Transaction,
    now: datetime,
    policy: ReturnPolicy = DEFAULT_POLICY,
) -> None:
    """
    Save *orders*, and open a return or claim for each of their parcels that is gone since.
    """
    parcels = [
        GoneParcel(
            order_id=order.order_id,
            account_id=order.account_id,
            shipment_id=shipment.id,
            location_id=order.location_id,
            goods=shipment.goods,
            lost=shipment.state is ShipmentState.LOST,
        )
        for order in orders
        for shipment in order.shipments
        if shipment.is_gone and shipment.id not in gone_before
    ]
    # Returns come before what saving writes to, in the global order of locks.
    await open_parcel_returns(parcels, tx=tx, now=now, policy=policy)
    await tx.fulfillment_orders.save(orders)
