"""Use case: fulfillment says that parcels will not arrive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from services.order.application.complete_orders import complete_orders
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLostParcel:
    """
    Attributes:
        comes_back: Whether it was turned back, rather than lost.
    """

    order_id: OrderId
    shipment_id: ShipmentId
    comes_back: bool
    at: datetime


async def note_lost_parcels(
    commands: Sequence[NoteLostParcel], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note what will not arrive. A parcel ends once; what is made good for it, a return says.

    An order whose last parcel this was completes, as it does when the last one arrives.
    """
    order_ids = [command.order_id for command in commands]
    # First, as it locks the story: what a step under way has read is void from here on.
    await tx.sagas.wake(order_ids, now=clock())
    orders = await tx.orders.find(order_ids)
    for command in commands:
        if order := orders.get(command.order_id):
            what = "parcel returned to sender" if command.comes_back else "parcel lost"
            order.lose(command.shipment_id, what, at=command.at, now=clock())
    await complete_orders([*orders.values()], tx=tx, clock=clock)
