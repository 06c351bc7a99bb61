"""Use case: owners take something out of their carts."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.text import Sku
from services.order.application.carts.change_carts import ChangeCart, change_carts
from services.order.application.carts.shown import ShownCart
from services.order.application.ports import Catalog, UnitOfWork
from services.order.domain.cart import Cart, Lifetimes


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCartItem(ChangeCart):
    """
    A wish for none of a SKU.
    """

    sku: Sku


async def remove_cart_items(
    commands: Sequence[RemoveCartItem],
    *,
    uow: UnitOfWork,
    catalog: Catalog,
    lifetimes: Lifetimes,
    clock: Clock,
) -> Sequence[ShownCart | DomainError]:
    """
    Take SKUs out of carts; what is not in one is no error.

    Safe to repeat: see `change_carts`.
    """

    def remove(command: RemoveCartItem, cart: Cart) -> None:
        cart.remove(command.sku)

    return await change_carts(
        commands, remove, uow=uow, catalog=catalog, lifetimes=lifetimes, clock=clock
    )
