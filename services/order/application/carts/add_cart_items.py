"""Use case: owners put something into their carts."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.application.carts.change_carts import ChangeCart, change_carts
from services.order.application.carts.shown import ShownCart
from services.order.application.ports import Catalog, ProductNotSold, UnitOfWork
from services.order.domain.cart import Cart, Lifetimes


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCartItem(ChangeCart):
    """
    A wish for more of a SKU.
    """

    sku: Sku
    quantity: Quantity


async def add_cart_items(
    commands: Sequence[AddCartItem],
    *,
    uow: UnitOfWork,
    catalog: Catalog,
    lifetimes: Lifetimes,
    clock: Clock,
) -> Sequence[ShownCart | DomainError]:
    """
    Put units of SKUs that are sold into carts. What is new in a cart counts as seen at today's
    price, as the answer tells it.

    Safe to repeat: see `change_carts`.
    """
    sold = await catalog.sold(sorted({command.sku for command in commands}))

    def add(command: AddCartItem, cart: Cart) -> None:
        if command.sku not in sold:
            raise ProductNotSold(f"sku: {command.sku!r} is not sold")
        cart.add(command.sku, command.quantity, sold[command.sku])

    return await change_carts(
        commands, add, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock
    )
