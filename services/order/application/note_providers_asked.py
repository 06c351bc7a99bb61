"""Use case: fulfillment says that providers are asked to give work up."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteProviderAsked:
    order_id: OrderId
    provider_id: str


async def note_providers_asked(
    commands: Sequence[NoteProviderAsked], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note who is asked. The inbox sees to it that it is noted once. The sagas wait as they do.
    """
    orders = await tx.orders.find([command.order_id for command in commands])
    changed = {
        order.id: order
        for command in commands
        if (order := orders.get(command.order_id))
        and order.ask_provider(command.provider_id, clock())
    }
    await tx.orders.save([*changed.values()])
