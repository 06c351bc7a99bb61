"""Use case: payment says that money was paid back, or that it came back."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.application.returns.return_saga import REFUND_STEP
from services.order.domain.order import Order
from services.order.domain.values import OrderId, ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRefund:
    """
    Attributes:
        version: Of the payment's event that says it.
        total: All that was paid back so far and stayed so, in minor units.
        failure: Why a refund failed; empty if one succeeded.
        return_id: The return that the money was for, if it was for one.
    """

    order_id: OrderId
    version: int
    total: int
    failure: str = ""
    return_id: ReturnId | None = None


async def note_refunds(commands: Sequence[NoteRefund], *, tx: Transaction, clock: Clock) -> None:
    """
    Note how much was paid back. A return whose money did not stay paid begins again with that.

    Safe to repeat: each order knows the last event of its payment that it noted.
    """
    now = clock()
    orders = await tx.orders.find([command.order_id for command in commands])
    changed: dict[OrderId, Order] = {}
    owed: dict[UUID, str] = {}
    for command in commands:
        order = orders.get(command.order_id)
        if order is None or not order.note_refunds(
            command.total, _what(command), version=command.version, now=now
        ):
            continue
        changed[order.id] = order
        if command.failure and command.return_id and order.owe_again(command.return_id, now):
            owed[command.return_id] = order.trace
    await tx.orders.save([*changed.values()])
    if owed:
        await tx.sagas.start(REFUND_STEP, owed, now=now)


def _what(command: NoteRefund) -> str:
    return f"refund failed: {command.failure}" if command.failure else "refund paid"
