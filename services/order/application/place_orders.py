"""Use case: customers place orders."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, InvalidInput, RuleViolated
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.order.application import order_saga
from services.order.application.accounts.within_limits import beyond_limits
from services.order.application.ports import (
    Catalog,
    OrderNotFound,
    ProductNotSold,
    RequestKey,
    Transaction,
    UnitOfWork,
)
from services.order.domain.order import Order
from services.order.domain.order_charges import amount_of
from services.order.domain.sold_variant import SoldVariant
from services.order.domain.values import (
    AccountId,
    Address,
    Channel,
    OrderCharge,
    OrderId,
    OrderLine,
    ReturnId,
    ServiceLevel,
)

# What one transaction places at most, unless a single order has more: with many more lines it takes
# seconds in which the process does nothing else.
MOST_LINES_AT_ONCE = 5_000


class TotalChanged(RuleViolated):
    pass


class AgreedPriceNotAllowed(InvalidInput):
    pass


class ExpectedTotalMissing(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLine:
    """
    A wish for some quantity of one SKU; at today's price unless another was agreed.
    """

    sku: Sku
    quantity: Quantity
    agreed_unit_price: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """
    Attributes:
        fingerprint: Stands for all the caller said, so that a used request id is recognized.
        shipping: `None` if there is none, or if its lines say; so for discount.
        expected_total: What the caller believes it will cost; required of a CONSUMER.
        for_return_id: The return that it is exchanged for, if any.
        trace: The `traceparent` under which the order's story is told.
    """

    request_id: UUID
    fingerprint: bytes
    account_id: AccountId
    channel: Channel
    lines: tuple[WantedLine, ...]
    shipping: Money | None
    discount: Money | None
    expected_total: Money | None
    psp_token: PspToken
    ship_to: Address
    reference: str
    shipping_lines: tuple[OrderCharge, ...] = ()
    discount_lines: tuple[OrderCharge, ...] = ()
    service_level: ServiceLevel = ServiceLevel.STANDARD
    for_return_id: ReturnId | None = None
    trace: str = ""


async def place_orders(
    commands: Sequence[PlaceOrder], *, uow: UnitOfWork, catalog: Catalog, clock: Clock
) -> Sequence[Order | DomainError]:
    """
    Accept orders durably and set them on their way; each is answered on its own.

    Safe to repeat: a request that was done before is answered from its order, whatever the catalog
    says by now. The record of the request is part of the transaction that places the order. Many
    lines are placed in several transactions: whoever repeats what failed halfway is told of the
    orders that stand, and gets the others.
    """
    answers: list[Order | DomainError] = []
    for portion in portions(commands):
        answers += await _place_portion(portion, uow=uow, catalog=catalog, clock=clock)
    return answers


def portions(commands: Sequence[PlaceOrder]) -> Iterator[Sequence[PlaceOrder]]:
    """
    Yield *commands* in order, so many at a time as one transaction should place.
    """
    start = lines = 0
    for number, command in enumerate(commands):
        lines += len(command.lines)
        if lines > MOST_LINES_AT_ONCE and number > start:
            yield commands[start:number]
            start, lines = number, len(command.lines)
    if start < len(commands):
        yield commands[start:]


async def _place_portion(
    commands: Sequence[PlaceOrder], *, uow: UnitOfWork, catalog: Catalog, clock: Clock
) -> Sequence[Order | DomainError]:
    async with uow() as tx:
        answers = await _answers_before(commands, tx)
    asked = [number for number, answer in enumerate(answers) if answer is None]
    if asked:
        # Between the transactions, so that none stays open across a network call.
        sold = await catalog.sold(sorted({line.sku for n in asked for line in commands[n].lines}))
        now = clock()
        orders: dict[int, Order] = {}
        for number in asked:
            try:
                orders[number] = order_from(commands[number], sold, now)
            except DomainError as refusal:
                answers[number] = refusal
        async with uow() as tx:
            for number, answer in (await place(commands, orders, tx, now)).items():
                answers[number] = answer
    return [answer for answer in answers if answer is not None]


async def _answers_before(
    commands: Sequence[PlaceOrder], tx: Transaction
) -> list[Order | DomainError | None]:
    """
    Return the answers to requests that were done before; `None` where one was not.
    """
    known = await tx.requests.find([key_of(command) for command in commands])
    orders = await tx.orders.find([id_ for id_ in known if isinstance(id_, UUID)])
    return [_placed(answer, orders) if isinstance(answer, UUID) else answer for answer in known]


def _placed(order_id: OrderId, orders: Mapping[OrderId, Order]) -> Order | DomainError:
    """
    Return the order that a request placed before, unless it was put away with its month.
    """
    return orders.get(order_id) or OrderNotFound(f"order {order_id} is kept elsewhere by now")


async def place(
    commands: Sequence[PlaceOrder], orders: Mapping[int, Order], tx: Transaction, now: datetime
) -> Mapping[int, Order | DomainError]:
    """
    Save *orders* under their requests, but for those that are too much for their accounts, and
    those that somebody else has done meanwhile.
    """
    wished = {number: (key_of(commands[number]), order) for number, order in orders.items()}
    refused = await beyond_limits(wished, tx) if wished else {}
    orders = {number: order for number, order in orders.items() if number not in refused}
    requests = [(key_of(commands[number]), order.id) for number, order in orders.items()]
    claims = await tx.requests.claim(requests, now=now)
    stands = dict(zip(orders, claims, strict=True))
    fresh = [order for number, order in orders.items() if stands[number] == order.id]
    await tx.orders.save(fresh)
    await tx.sagas.start(order_saga.FIRST_STEP, {order.id: order.trace for order in fresh}, now=now)
    earlier = await tx.orders.find([id_ for id_ in claims if isinstance(id_, UUID)])
    answers: dict[int, Order | DomainError] = {
        number: _placed(stand, earlier) if isinstance(stand, UUID) else stand
        for number, stand in stands.items()
    }
    return {**answers, **refused}


def order_from(command: PlaceOrder, sold: Mapping[Sku, SoldVariant], now: datetime) -> Order:
    """
    Return the order that is wished for, at today's prices.

    Raises:
        DomainError: It cannot be had, or not for what was expected.
    """
    units = _units_of(command)
    lines = tuple(_line(command, number, sold, units) for number in range(len(command.lines)))
    currency = lines[0].unit_price.currency if lines else "XXX"
    order = Order.place(
        OrderId(new_id()),
        account_id=command.account_id,
        channel=command.channel,
        lines=lines,
        shipping=amount_of(command.shipping, command.shipping_lines, currency),
        discount=amount_of(command.discount, command.discount_lines, currency),
        shipping_lines=command.shipping_lines,
        discount_lines=command.discount_lines,
        service_level=command.service_level,
        ship_to=command.ship_to,
        psp_token=command.psp_token.text,
        reference=command.reference,
        now=now,
        for_return_id=command.for_return_id,
    )
    order.trace = command.trace
    _must_cost_what_was_expected(command, order)
    return order


def _line(
    command: PlaceOrder, number: int, sold: Mapping[Sku, SoldVariant], units: Mapping[Sku, int]
) -> OrderLine:
    wanted = command.lines[number]
    variant = sold.get(wanted.sku)
    if variant is None:
        raise ProductNotSold(f"lines[{number}].sku: {wanted.sku!r} is not sold")
    if wanted.agreed_unit_price and command.channel is Channel.CONSUMER:
        field = f"lines[{number}].agreed_unit_price"
        raise AgreedPriceNotAllowed(f"{field} is for BUSINESS orders only", field=field)
    return OrderLine(
        number=number + 1,
        sku=wanted.sku,
        title=variant.title,
        quantity=wanted.quantity,
        unit_price=wanted.agreed_unit_price or variant.price_of(units[wanted.sku]),
    )


def _units_of(command: PlaceOrder) -> Mapping[Sku, int]:
    """
    Return how many units of each SKU are wanted: two lines of one cost what one of both would.
    """
    units: Counter[Sku] = Counter()
    for line in command.lines:
        units[line.sku] += line.quantity.units
    return units


def _must_cost_what_was_expected(command: PlaceOrder, order: Order) -> None:
    if command.expected_total is None:
        if command.channel is Channel.CONSUMER:
            raise ExpectedTotalMissing(
                "expected_total is required of a CONSUMER", field="expected_total"
            )
        return
    if command.expected_total != order.grand_total:
        raise TotalChanged(
            f"the order costs {order.grand_total}, not {command.expected_total} as expected"
        )


def key_of(command: PlaceOrder) -> RequestKey:
    return RequestKey(
        account_id=command.account_id,
        request_id=command.request_id,
        fingerprint=command.fingerprint,
    )
