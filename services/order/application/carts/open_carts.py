"""The one cart that an account has open."""

from collections.abc import Iterable
from datetime import datetime

from services.order.application.carts.change_carts import cart_for
from services.order.application.carts.ports import CartRequest
from services.order.application.ports import Transaction
from services.order.domain.cart import Cart, CartState
from services.order.domain.values import AccountId


async def open_cart_among(
    carts: Iterable[Cart], account_id: AccountId, *, tx: Transaction, now: datetime
) -> Cart | None:
    """
    Return the open one of the account, if it is among *carts*, which are locked. If its time is
    over it ends here, so that there is room for another.
    """
    for cart in carts:
        if cart.account_id == account_id and cart.state is CartState.OPEN:
            cart.expire_if_overdue(now)
            if cart.state is CartState.OPEN:
                return cart
            await tx.carts.save([cart])
    return None


async def cart_given_before(
    request: CartRequest, account_id: AccountId | None, *, tx: Transaction
) -> Cart | None:
    """
    Return the cart that *request* was answered with before; `None` if it was not done.

    Raises:
        DomainError: Something else was said under its id; or its cart is gone by now.
    """
    (before,) = await tx.cart_requests.find([request])
    if isinstance(before, Exception):
        raise before
    if before is None:
        return None
    return cart_for(account_id, before, await tx.carts.find([before]))
