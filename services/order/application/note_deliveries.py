"""Use case: fulfillment says that parcels arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from services.order.application.complete_orders import complete_orders
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDelivery:
    order_id: OrderId
    shipment_id: ShipmentId
    at: datetime


async def note_deliveries(
    commands: Sequence[NoteDelivery], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note the arrivals. An arrival is noted once.

    An order of which all has arrived and is paid is completed here. The sagas of others are woken.
    """
    order_ids = [command.order_id for command in commands]
    # First, as it locks the story: what a step under way has read is void from here on.
    await tx.sagas.wake(order_ids, now=clock())
    orders = await tx.orders.find(order_ids)
    for command in commands:
        if order := orders.get(command.order_id):
            order.deliver(command.shipment_id, at=command.at, now=clock())
    await complete_orders([*orders.values()], tx=tx, clock=clock)
