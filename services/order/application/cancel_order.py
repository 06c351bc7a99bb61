"""Use case: a customer wants an order cancelled."""

from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.text import check_words
from services.order.application.ports import UnitOfWork
from services.order.domain.order import Order
from services.order.domain.values import AccountId, OrderId, Reason

LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """
    Attributes:
        note: Why, in the customer's words; at most 200 characters.
    """

    account_id: AccountId
    order_id: OrderId
    note: str = ""

    def __post_init__(self) -> None:
        check_words(self.note, "reason", most=LONGEST_NOTE)


async def cancel_order(command: CancelOrder, *, uow: UnitOfWork, clock: Clock) -> Order:
    """
    Note the wish durably and wake the saga, which sees to it; a step under way is void.

    Safe to repeat: whoever asks again is told what became of it, and the saga is left in peace.

    Raises:
        OrderNotFound: This account has no such order.
        OrderDispatched: A parcel has left.
        OrderEnded: It has come to another end.
        Conflict: It changed just now.
    """
    async with uow() as tx:
        order = await tx.orders.get(command.account_id, command.order_id)
        if not _ask(order, command, clock):
            return order
    async with uow() as tx:
        # First, as it locks the story: what a step under way has read is void from here on.
        await tx.sagas.wake([command.order_id], now=clock())
        order = await tx.orders.get(command.account_id, command.order_id)
        if _ask(order, command, clock):
            await tx.orders.save([order])
    return order


def _ask(order: Order, command: CancelOrder, clock: Clock) -> bool:
    return order.request_cancellation(
        Reason.CUSTOMER_REQUEST, by="customer", note=command.note, now=clock()
    )
