"""Use case: owners buy what is in their carts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict, DomainError, InvalidInput
from chassis.kernel.text import Sku
from services.order.application.carts.change_carts import cart_for
from services.order.application.carts.rounds import in_rounds
from services.order.application.place_orders import (
    PlaceOrder,
    WantedLine,
    key_of,
    order_from,
    place,
)
from services.order.application.ports import (
    Catalog,
    OrderNotFound,
    ProductNotSold,
    Transaction,
    UnitOfWork,
)
from services.order.domain.cart import Cart, CartId
from services.order.domain.order import Order
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import OrderId

_FIELDS = {"shipping": "shipping_lines", "discount": "discount_lines"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutCart:
    """
    Attributes:
        order: The wish for the order, but for its lines: those are in the cart.
    """

    cart_id: CartId
    order: PlaceOrder


async def check_out_carts(
    commands: Sequence[CheckOutCart], *, uow: UnitOfWork, catalog: Catalog, clock: Clock
) -> Sequence[Order | DomainError]:
    """
    Turn carts into orders, each once; each is answered on its own.

    Safe to repeat: the order is placed in the transaction that ends its cart, and the cart knows
    it: asked again, under whichever request id, the answer is that order. What is refused leaves
    the cart as it is, and so does whoever meets a cart that has changed since it was priced: that
    one looks again.
    """
    attempt = partial(_attempt, uow=uow, catalog=catalog, clock=clock)
    return await in_rounds(commands, attempt)


async def _attempt(
    commands: Sequence[CheckOutCart], *, uow: UnitOfWork, catalog: Catalog, clock: Clock
) -> Sequence[Order | DomainError]:
    async with uow() as tx:
        carts = await tx.carts.find({command.cart_id for command in commands})
        before = await _answers_before(commands, carts, tx)
    now = clock()
    wished = [answer or _wish(commands[n], carts, now) for n, answer in enumerate(before)]
    # Between the transactions, so that none stays open across a network call.
    sold = await _sold(wished, catalog)
    answers = [_priced(wish, sold, now) for wish in wished]
    orders = {
        number: answer
        for number, answer in enumerate(answers)
        if isinstance(answer, Order) and isinstance(wished[number], PlaceOrder)
    }
    if orders:
        async with uow() as tx:
            for number, answer in (await _turn(commands, carts, orders, tx, now)).items():
                answers[number] = answer
    return answers


async def _answers_before(
    commands: Sequence[CheckOutCart], carts: Mapping[CartId, Cart], tx: Transaction
) -> Sequence[Order | DomainError | None]:
    """
    Return the orders that carts have become, and the answers to requests that were done before;
    `None` where there is neither.
    """
    known: list[OrderId | DomainError | None] = [
        *await tx.requests.find([key_of(command.order) for command in commands])
    ]
    for number, command in enumerate(commands):
        cart = carts.get(command.cart_id)
        if known[number] is None and cart and cart.may_be_used_by(command.order.account_id):
            known[number] = cart.order_id
    orders = await tx.orders.find([id_ for id_ in known if isinstance(id_, UUID)])
    return [
        # Orders are put away in time, by whole months: perhaps before their carts.
        orders.get(answer) or OrderNotFound(f"there is no order {answer} any more")
        if isinstance(answer, UUID)
        else answer
        for answer in known
    ]


def _wish(
    command: CheckOutCart, carts: Mapping[CartId, Cart], now: datetime
) -> PlaceOrder | DomainError:
    """
    Return the order that is wished for, with the lines of its cart.
    """
    try:
        cart = cart_for(command.order.account_id, command.cart_id, carts)
        cart.expire_if_overdue(now)
        cart.must_be_ready()
    except DomainError as refusal:
        return refusal
    lines = (WantedLine(sku=i.sku, quantity=i.quantity) for i in cart.items.values())
    return replace(command.order, lines=tuple(lines))


async def _sold(
    wished: Sequence[PlaceOrder | Order | DomainError], catalog: Catalog
) -> Mapping[Sku, SoldVariant]:
    skus = {line.sku for wish in wished if isinstance(wish, PlaceOrder) for line in wish.lines}
    return await catalog.sold(sorted(skus)) if skus else {}


def _priced(
    wish: PlaceOrder | Order | DomainError, sold: Mapping[Sku, SoldVariant], now: datetime
) -> Order | DomainError:
    """
    Return a wish as an order at today's prices, or why there is none; what is answered already
    stays so.
    """
    if not isinstance(wish, PlaceOrder):
        return wish
    if missing := [line.sku for line in wish.lines if line.sku not in sold]:
        return ProductNotSold(f"{', '.join(missing)}: not sold any more; take it out of the cart")
    try:
        return order_from(wish, sold, now)
    except DomainError as refusal:
        if isinstance(refusal, InvalidInput):
            # In the words of this request, which has no lines and names the parts of a discount.
            is_of_cart = refusal.field == "lines" or refusal.field.startswith("lines[")
            refusal.field = "cart_id" if is_of_cart else _FIELDS.get(refusal.field, refusal.field)
        return refusal


async def _turn(
    commands: Sequence[CheckOutCart],
    read: Mapping[CartId, Cart],
    orders: Mapping[int, Order],
    tx: Transaction,
    now: datetime,
) -> Mapping[int, Order | DomainError]:
    """
    Place *orders* of carts that are as they were *read*, and end those; one a cart.
    """
    carts = await tx.carts.lock({commands[number].cart_id for number in orders})
    first: dict[CartId, int] = {}
    for number in orders:
        id_ = commands[number].cart_id
        if id_ in carts and carts[id_].version == read[id_].version:
            first.setdefault(id_, number)
    wishes = [command.order for command in commands]
    placed = await place(wishes, {number: orders[number] for number in first.values()}, tx, now)
    for id_, number in first.items():
        answer = placed[number]
        if isinstance(answer, Order):
            carts[id_].check_out(answer.id, now)
    await tx.carts.save([carts[id_] for id_ in first if carts[id_].order_id])
    faster = Conflict("the cart has changed meanwhile; try again")
    return {number: placed.get(number, faster) for number in orders}
