"""What adding to carts, changing what is in them and taking out have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict, DomainError
from services.order.application.carts.ports import CartNotFound, CartRequest
from services.order.application.carts.rounds import in_rounds
from services.order.application.carts.shown import ShownCart, shown
from services.order.application.ports import Catalog, UnitOfWork
from services.order.domain.cart import Cart, CartId, Lifetimes
from services.order.domain.values import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCart:
    """
    A wish for one cart to be changed.

    Attributes:
        account_id: Of the caller; `None` if it is nobody yet.
    """

    request: CartRequest
    cart_id: CartId
    account_id: AccountId | None


C = TypeVar("C", bound=ChangeCart)


async def change_carts(
    commands: Sequence[C],
    change: Callable[[C, Cart], None],
    *,
    uow: UnitOfWork,
    catalog: Catalog,
    lifetimes: Lifetimes,
    clock: Clock,
) -> Sequence[ShownCart | DomainError]:
    """
    Do *change* for each of *commands*, to its cart; each is answered on its own, with the cart at
    today's prices.

    Safe to repeat: a request is recorded in the transaction of its change, and answered with the
    cart as it is when it comes again. What was refused is not recorded: it may be asked again.

    Args:
        change: Changes the cart, or raises a refusal and leaves it as it is.
    """
    attempt = partial(_attempt, change=change, uow=uow, lifetimes=lifetimes, now=clock())
    return await shown(await in_rounds(commands, attempt), catalog)


async def _attempt(
    commands: Sequence[C],
    *,
    change: Callable[[C, Cart], None],
    uow: UnitOfWork,
    lifetimes: Lifetimes,
    now: datetime,
) -> Sequence[Cart | DomainError]:
    answers: list[Cart | DomainError] = []
    done: dict[tuple[str, UUID], C] = {}
    async with uow() as tx:
        carts = await tx.carts.lock({command.cart_id for command in commands})
        # Under the locks: whoever does the same request to the same cart has committed.
        known = await tx.cart_requests.find([command.request for command in commands])
        for command, before in zip(commands, known, strict=True):
            try:
                cart = cart_for(command.account_id, command.cart_id, carts)
                cart.expire_if_overdue(now)
                if before is None:
                    if command.request.key in done:
                        # Twice in one batch: the next round knows what became of the first one.
                        raise Conflict("the same request is being done; try again")
                    change(command, cart)
                    cart.prolong(lifetimes, now)
                    done[command.request.key] = command
                answers.append(before if isinstance(before, DomainError) else cart)
            except DomainError as refusal:
                answers.append(refusal)
        await tx.cart_requests.record([(c.request, c.cart_id) for c in done.values()], now=now)
        await tx.carts.save([carts[id_] for id_ in {c.cart_id for c in done.values()}])
    return answers


def cart_for(caller: AccountId | None, cart_id: CartId, carts: Mapping[CartId, Cart]) -> Cart:
    """
    Raises:
        CartNotFound: There is none, or it is somebody else's, which is not to be told apart.
    """
    cart = carts.get(cart_id)
    if cart is None or not cart.may_be_used_by(caller):
        raise CartNotFound(f"there is no cart {cart_id}")
    return cart
