"""Use case: payment says what payers' banks did: took money back, or gave it again."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteChargeback:
    """
    Attributes:
        version: Of the payment's event that says it.
        what: What happened, in words.
    """

    order_id: OrderId
    version: int
    what: str


async def note_chargebacks(
    commands: Sequence[NoteChargeback], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note it on the orders' timelines. What to do about it is decided at the payment.

    Safe to repeat: each order knows the last event of its payment that it noted.
    """
    orders = await tx.orders.find([command.order_id for command in commands])
    changed = {
        order.id: order
        for command in commands
        if (order := orders.get(command.order_id))
        and order.note_chargeback(command.what, version=command.version, now=clock())
    }
    await tx.orders.save([*changed.values()])
