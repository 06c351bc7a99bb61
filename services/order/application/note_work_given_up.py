"""Use case: fulfillment says that work on orders was given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWorkGivenUp:
    order_id: OrderId


async def note_work_given_up(
    commands: Sequence[NoteWorkGivenUp], *, tx: Transaction, clock: Clock
) -> None:
    """
    Wake the sagas that wait for providers to give work up.

    Safe to repeat: they ask fulfillment what became of it. Those that know already, as they were
    answered at once, are left in peace.
    """
    orders = await tx.orders.find([command.order_id for command in commands])
    waiting = [order.id for order in orders.values() if not order.reason and not order.has_ended]
    await tx.sagas.wake(waiting, now=clock())
