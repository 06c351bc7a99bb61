"""Use case: fulfillment says that work goes on which was asked to be given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWorkKept:
    """
    Attributes:
        reason: Why the provider does not give it up, in its words; may be empty.
    """

    order_id: OrderId
    provider_id: str
    reason: str


async def note_work_kept(
    commands: Sequence[NoteWorkKept], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note who keeps the work, and wake the sagas that wait for an answer. The inbox sees to it that
    it is noted once.
    """
    order_ids = [command.order_id for command in commands]
    # First, as it locks the story: what a step under way has read is void from here on.
    await tx.sagas.wake(order_ids, now=clock())
    orders = await tx.orders.find(order_ids)
    changed = {
        order.id: order
        for command in commands
        if (order := orders.get(command.order_id))
        and order.keep_work(command.reason, command.provider_id, clock())
    }
    await tx.orders.save([*changed.values()])
