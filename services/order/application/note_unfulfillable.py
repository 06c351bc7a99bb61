"""Use case: fulfillment says that no provider wants the work of orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import LocationId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteUnfulfillable:
    order_id: OrderId
    location_id: LocationId


async def note_unfulfillable(
    commands: Sequence[NoteUnfulfillable], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note which goods will not leave, and wake the sagas that give them up.
    """
    order_ids = [command.order_id for command in commands]
    # First, as it locks the story: what a step under way has read is void from here on.
    await tx.sagas.wake(order_ids, now=clock())
    orders = await tx.orders.find(order_ids)
    for command in commands:
        if order := orders.get(command.order_id):
            order.lose_provider(command.location_id, clock())
    await tx.orders.save([*orders.values()])
