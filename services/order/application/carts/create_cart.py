"""Use case: somebody begins to buy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.ids import new_id
from services.order.application.carts.open_carts import cart_given_before, open_cart_among
from services.order.application.carts.ports import CartRequest
from services.order.application.carts.rounds import in_rounds
from services.order.application.carts.shown import ShownCart, shown_one
from services.order.application.ports import Catalog, Transaction, UnitOfWork
from services.order.domain.cart import Cart, CartId, Lifetimes
from services.order.domain.values import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCart:
    """
    Attributes:
        account_id: `None`: it belongs to nobody yet.
    """

    request: CartRequest
    account_id: AccountId | None


async def create_cart(
    command: CreateCart, *, uow: UnitOfWork, catalog: Catalog, lifetimes: Lifetimes, clock: Clock
) -> ShownCart:
    """
    Return an empty cart, or the open one that the account has.

    Safe to repeat: the request is recorded with its cart. Of two that give one account its first
    cart, the database lets one pass; the other one looks again.

    Raises:
        CartNotFound: It was asked for before, and the cart is gone by now.
    """
    now = clock()

    async def attempt(commands: Sequence[CreateCart]) -> Sequence[Cart | DomainError]:
        async with uow() as tx:
            return [await _created(command, tx, lifetimes, now) for command in commands]

    (answer,) = await in_rounds([command], attempt)
    return await shown_one(answer, catalog)


async def _created(
    command: CreateCart, tx: Transaction, lifetimes: Lifetimes, now: datetime
) -> Cart:
    account_id = command.account_id
    carts = await tx.carts.lock([], and_open_of=account_id) if account_id else {}
    if before := await cart_given_before(command.request, account_id, tx=tx):
        return before
    cart = await open_cart_among(carts.values(), account_id, tx=tx, now=now) if account_id else None
    if cart is None:
        cart = Cart.open(CartId(new_id()), account_id, lifetimes=lifetimes, now=now)
        await tx.carts.save([cart])
    await tx.cart_requests.record([(command.request, cart.id)], now=now)
    return cart
