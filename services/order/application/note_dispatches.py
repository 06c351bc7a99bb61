"""Use case: fulfillment says that parcels left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import Goods, LocationId, OrderId, ShipmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDispatch:
    """
    Attributes:
        change_number: The last change of the order that the work followed; 0: none.
    """

    order_id: OrderId
    shipment_id: ShipmentId
    location_id: LocationId
    goods: tuple[Goods, ...]
    at: datetime
    change_number: int = 0


async def note_dispatches(
    commands: Sequence[NoteDispatch], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note the parcels, and wake the sagas that charge them. A parcel is noted once.
    """
    order_ids = [command.order_id for command in commands]
    # First, as it locks the story: what a step under way has read is void from here on.
    await tx.sagas.wake(order_ids, now=clock())
    orders = await tx.orders.find(order_ids)
    for command in commands:
        if order := orders.get(command.order_id):
            order.dispatch(
                command.shipment_id,
                location_id=command.location_id,
                goods=command.goods,
                at=command.at,
                change_number=command.change_number,
                now=clock(),
            )
    await tx.orders.save([*orders.values()])
