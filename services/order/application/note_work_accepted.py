"""Use case: fulfillment says that providers took on the work of orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWorkAccepted:
    order_id: OrderId
    provider_id: str


async def note_work_accepted(
    commands: Sequence[NoteWorkAccepted], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note who works on each order. The inbox sees to it that it is noted once.
    """
    orders = await tx.orders.find([command.order_id for command in commands])
    for command in commands:
        if order := orders.get(command.order_id):
            order.accept_work(command.provider_id, clock())
    await tx.orders.save([*orders.values()])
