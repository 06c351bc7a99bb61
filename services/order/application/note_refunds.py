"""Use case: payment says that money was paid back, or that it came back."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRefund:
    """
    Attributes:
        version: Of the payment's event that says it.
        total: All that was paid back so far and stayed so, in minor units.
        failure: Why a refund failed; empty if one succeeded.
    """

    order_id: OrderId
    version: int
    total: int
    failure: str = ""


async def note_refunds(commands: Sequence[NoteRefund], *, tx: Transaction, clock: Clock) -> None:
    """
    Note how much was paid back. The sagas go on as they are: nothing follows from it for them.

    Safe to repeat: each order knows the last event of its payment that it noted.
    """
    orders = await tx.orders.find([command.order_id for command in commands])
    changed = {
        order.id: order
        for command in commands
        if (order := orders.get(command.order_id))
        and order.note_refunds(command.total, _what(command), version=command.version, now=clock())
    }
    await tx.orders.save([*changed.values()])


def _what(command: NoteRefund) -> str:
    return f"refund failed: {command.failure}" if command.failure else "refund paid"
