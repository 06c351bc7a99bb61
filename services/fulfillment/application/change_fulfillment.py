"""Use case: the work on orders changes with the orders."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import Address, Goods, LocationId, OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFulfillment:
    """
    Attributes:
        number: The order's own count of its changes, from 1.
        goods: All that is to be sent from now on, and from where.
    """

    order_id: OrderId
    number: int
    ship_to: Address
    goods: Mapping[LocationId, tuple[Goods, ...]]


async def change_fulfillment(
    commands: Sequence[ChangeFulfillment], *, uow: UnitOfWork
) -> Sequence[OrderId | DomainError]:
    """
    Change all the work of each order, or none of it if a parcel has left.

    Safe to repeat, and to come late: the work remembers the last change it follows, and what is
    no later changes nothing, whatever has happened since. All the work of an order is locked, so
    that a parcel leaves either before a change, which is then refused, or after it, and says so.
    """
    ids = {command.order_id for command in commands}
    async with uow() as tx:
        found = await tx.fulfillment_orders.of_orders(ids)
        work: dict[OrderId, list[FulfillmentOrder]] = defaultdict(list)
        for order in found:
            work[order.order_id].append(order)
        shut = await tx.intake.shut_among(ids - work.keys())
        answers = [_change(command, work[command.order_id], shut) for command in commands]
        await tx.fulfillment_orders.save(found)
    return answers


def _change(
    command: ChangeFulfillment, work: Sequence[FulfillmentOrder], shut: Set[OrderId]
) -> OrderId | DomainError:
    if command.order_id in shut:
        return refusals.FulfillmentCancelled(f"order {command.order_id} was cancelled before")
    if not work:
        return refusals.FulfillmentNotOpen(f"order {command.order_id} is not confirmed yet")
    if any(order.change_number >= command.number for order in work):
        return command.order_id  # told again, or late
    try:
        _must_be_possible(command, work)
    except DomainError as refusal:
        return refusal
    for order in work:
        goods = command.goods.get(order.location_id, ())
        order.change(command.number, goods=goods, ship_to=command.ship_to)
    return command.order_id


def _must_be_possible(command: ChangeFulfillment, work: Sequence[FulfillmentOrder]) -> None:
    for order in work:
        order.must_be_changeable_to(command.goods.get(order.location_id, ()))
    for location_id in command.goods.keys() - {order.location_id for order in work}:
        raise refusals.FulfillmentGrows(f"nothing is to be sent from {location_id}")
