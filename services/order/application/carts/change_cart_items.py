"""Use case: owners say how much of a SKU they want, and what they have seen of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.application.carts.change_carts import ChangeCart, change_carts
from services.order.application.carts.shown import ShownCart
from services.order.application.ports import Catalog, UnitOfWork
from services.order.domain.cart import Cart, Lifetimes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCartItem(ChangeCart):
    """
    Attributes:
        quantity: `None`: none of it.
        seen_price: What the owner was shown as its price; `None` if that is not told.
    """

    sku: Sku
    quantity: Quantity | None
    seen_price: Money | None


async def change_cart_items(
    commands: Sequence[ChangeCartItem],
    *,
    uow: UnitOfWork,
    catalog: Catalog,
    lifetimes: Lifetimes,
    clock: Clock,
) -> Sequence[ShownCart | DomainError]:
    """
    Set the units of what is in carts. Only here an owner says what was seen: an answer may be
    lost, so that none of ours counts as read.

    Safe to repeat: see `change_carts`.
    """
    seen = sorted({command.sku for command in commands if command.seen_price})
    sold = await catalog.sold(seen) if seen else {}

    def change(command: ChangeCartItem, cart: Cart) -> None:
        # At the quantity at which it was shown, so before that changes.
        if command.seen_price:
            cart.acknowledge(command.sku, command.seen_price, sold.get(command.sku))
        cart.change(command.sku, command.quantity)

    return await change_carts(
        commands, change, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock
    )
