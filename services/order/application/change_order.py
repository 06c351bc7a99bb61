"""Use case: a customer wants an order changed before anything leaves."""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict, InvalidInput
from services.order.application.ports import UnitOfWork
from services.order.domain.order import Order
from services.order.domain.values import AccountId, Address, OrderId


class NothingToChange(InvalidInput):
    pass


class OrderVersionPassed(Conflict):
    # The plain name is the event's.
    reason = "ORDER_CHANGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    """
    Attributes:
        ship_to: `None` if it stays.
        quantities: How many units of which line shall stay, by the line's number; 0: none.
        version: The order must be in this one; 0: whichever.
    """

    account_id: AccountId
    order_id: OrderId
    ship_to: Address | None
    quantities: Mapping[int, int]
    version: int = 0

    def __post_init__(self) -> None:
        if self.ship_to is None and not self.quantities:
            raise NothingToChange("ship_to or lines is required", field="lines")


async def change_order(command: ChangeOrder, *, uow: UnitOfWork, clock: Clock) -> Order:
    """
    Note the wish durably and wake the saga, which sees to it; a step under way is void.

    Safe to repeat: it says how the order shall be. Whoever asks again for what is so already, or
    is under way, is told so, and the saga is left in peace.

    Raises:
        OrderNotFound: This account has no such order.
        OrderVersionPassed: It is no longer in the version that the wish is for.
        RuleViolated: It cannot be changed now; see `Order.request_change`.
        InvalidInput: It cannot be changed so.
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


def _ask(order: Order, command: ChangeOrder, clock: Clock) -> bool:
    version = order.version
    is_new = order.request_change(command.ship_to, command.quantities, clock())
    if is_new and command.version not in (0, version):
        raise OrderVersionPassed(f"order {order.id} is in version {version} by now")
    return is_new
