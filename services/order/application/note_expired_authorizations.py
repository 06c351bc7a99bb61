"""Use case: payment says that money which was set aside for orders is no longer so."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from services.order.application.ports import Transaction
from services.order.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteExpiredAuthorization:
    """
    Attributes:
        version: Of the payment's event that says it.
    """

    order_id: OrderId
    version: int


async def note_expired_authorizations(
    commands: Sequence[NoteExpiredAuthorization], *, tx: Transaction, clock: Clock
) -> None:
    """
    Note that the money is gone, and wake the sagas: an order of which nothing has left is given up,
    as nobody would pay for it. If a parcel has left, its charge is refused, and a person is told.

    Safe to repeat: each order knows the last event of its payment that it noted.
    """
    order_ids = [command.order_id for command in commands]
    # First, as it locks the story: what a step under way has read is void from here on.
    await tx.sagas.wake(order_ids, now=clock())
    orders = await tx.orders.find(order_ids)
    changed = {
        order.id: order
        for command in commands
        if (order := orders.get(command.order_id))
        and order.lose_authorization(version=command.version, now=clock())
    }
    await tx.orders.save([*changed.values()])
