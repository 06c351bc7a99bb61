"""Use case: somebody who was nobody yet signs in, and finds the goods in the account's cart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.order.application.carts.change_carts import cart_for
from services.order.application.carts.open_carts import cart_given_before, open_cart_among
from services.order.application.carts.ports import CartRequest
from services.order.application.carts.rounds import in_rounds
from services.order.application.carts.shown import ShownCart, shown_one
from services.order.application.ports import Catalog, Transaction, UnitOfWork
from services.order.domain.cart import Cart, CartId, Lifetimes
from services.order.domain.values import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeCarts:
    """
    Attributes:
        cart_id: The anonymous one.
        account_id: Whose cart it goes into.
    """

    request: CartRequest
    cart_id: CartId
    account_id: AccountId


async def merge_carts(
    command: MergeCarts, *, uow: UnitOfWork, catalog: Catalog, lifetimes: Lifetimes, clock: Clock
) -> ShownCart:
    """
    Move what is in an anonymous cart into the account's; without one, that cart becomes it.

    Safe to repeat: the request is recorded with the account's cart. Both carts are locked, and of
    two that give one account its first cart, the database lets one pass; the other looks again.

    Raises:
        CartNotFound: There is no such cart for this caller.
        RuleViolated: It has ended, or both are too much for one.
    """
    now = clock()

    async def attempt(commands: Sequence[MergeCarts]) -> Sequence[Cart | DomainError]:
        async with uow() as tx:
            return [await _merged(command, tx, lifetimes, now) for command in commands]

    (answer,) = await in_rounds([command], attempt)
    return await shown_one(answer, catalog)


async def _merged(
    command: MergeCarts, tx: Transaction, lifetimes: Lifetimes, now: datetime
) -> Cart:
    account_id = command.account_id
    carts = await tx.carts.lock([command.cart_id], and_open_of=account_id)
    # Under the locks: whoever does the same request has committed.
    if before := await cart_given_before(command.request, account_id, tx=tx):
        return before
    given = cart_for(account_id, command.cart_id, carts)
    given.expire_if_overdue(now)
    own = await open_cart_among(carts.values(), account_id, tx=tx, now=now) or given
    if own is given:
        own.give_to(account_id)
    else:
        own.take_over(given, now)
        await tx.carts.save([given])
    own.prolong(lifetimes, now)
    await tx.carts.save([own])
    await tx.cart_requests.record([(command.request, own.id)], now=now)
    return own
