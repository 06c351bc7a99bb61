"""Use case: an owner looks into a cart."""

from chassis.kernel.clock import Clock
from services.order.application.carts.change_carts import cart_for
from services.order.application.carts.shown import ShownCart, shown_one
from services.order.application.ports import Catalog, UnitOfWork
from services.order.domain.cart import CartId
from services.order.domain.values import AccountId


async def get_cart(
    cart_id: CartId,
    account_id: AccountId | None,
    *,
    uow: UnitOfWork,
    catalog: Catalog,
    clock: Clock,
) -> ShownCart:
    """
    Return a cart at today's prices. Nothing is written: a look changes neither what counts as
    seen nor how long the cart is kept.

    Raises:
        CartNotFound: There is no such cart for this caller.
    """
    async with uow() as tx:
        carts = await tx.carts.find([cart_id])
    cart = cart_for(account_id, cart_id, carts)
    cart.expire_if_overdue(clock())
    return await shown_one(cart, catalog)
