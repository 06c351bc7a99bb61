"""Use case: fulfillment says that goods have come back, or must be made good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.kernel.clock import Clock
from services.order.application.ports import OrderNotFound, Transaction
from services.order.application.returns.return_saga import FIRST_STEP
from services.order.domain.order import Order
from services.order.domain.order_return import Resolution, ReturnedGoods, ReturnKind
from services.order.domain.values import LocationId, OrderId, ReturnId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReturn:
    """
    Attributes:
        location_id: Where the goods are now; empty for a claim.
    """

    return_id: ReturnId
    order_id: OrderId
    kind: ReturnKind
    resolution: Resolution
    location_id: LocationId
    goods: tuple[ReturnedGoods, ...]


async def note_returns(commands: Sequence[NoteReturn], *, tx: Transaction, clock: Clock) -> None:
    """
    Note what came back, and begin the stories that make it good. What comes back of a replacement
    is noted of the order that was paid: there it is worth something.

    Safe to repeat: an order knows its returns, and each has one story.

    Raises:
        OrderNotFound: An order is not there: somebody has to see what becomes of its money.
    """
    now = clock()
    orders = await tx.orders.find([command.order_id for command in commands])
    paid = await _paid_for(orders, tx)
    traces: dict[UUID, str] = {}
    for command in commands:
        order = paid.get(command.order_id)
        if order is None:
            raise OrderNotFound(f"there is no order {command.order_id} to take goods back of")
        is_news = order.take_back(
            command.return_id,
            kind=command.kind,
            resolution=command.resolution,
            location_id=command.location_id,
            goods=command.goods,
            now=now,
            replaced=orders[command.order_id].replaces,
        )
        if is_news:
            traces[command.return_id] = order.trace
    if traces:
        await tx.orders.save([*{order.id: order for order in paid.values()}.values()])
        await tx.sagas.start(FIRST_STEP, traces, now=now)


async def _paid_for(orders: Mapping[OrderId, Order], tx: Transaction) -> Mapping[OrderId, Order]:
    """
    Return for each order the one that its goods were paid with: another one for a replacement.
    """
    replaced = {order.id: of for order in orders.values() if (of := order.replaces)}
    cases = await tx.returns.find([*replaced.values()]) if replaced else {}
    own = {id_: order for id_, order in orders.items() if id_ not in replaced}
    return own | {id_: cases[of].order for id_, of in replaced.items() if of in cases}
