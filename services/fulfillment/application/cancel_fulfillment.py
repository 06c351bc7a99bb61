"""Use case: the work on orders is given up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelFulfillment:
    order_id: OrderId


async def cancel_fulfillment(
    commands: Sequence[CancelFulfillment], *, uow: UnitOfWork
) -> Sequence[OrderId | DomainError]:
    """
    Give up all the work of each order, or none of it if a parcel has left.

    Safe to repeat. An order whose confirmation did not arrive yet is given up as well: the intake
    is shut before the work is looked for, so that either the work is there to be cancelled or it
    will never be opened.
    """
    ids = {command.order_id for command in commands}
    async with uow() as tx:
        await tx.intake.shut(ids)
        found = await tx.fulfillment_orders.of_orders(ids)
        work: dict[OrderId, list[FulfillmentOrder]] = defaultdict(list)
        for order in found:
            work[order.order_id].append(order)
        answers = [_cancel(command.order_id, work[command.order_id]) for command in commands]
        await tx.fulfillment_orders.save(found)
    return answers


def _cancel(order_id: OrderId, work: Sequence[FulfillmentOrder]) -> OrderId | DomainError:
    try:
        for order in work:
            order.must_not_be_dispatched()
    except DomainError as refusal:
        return refusal
    for order in work:
        order.cancel()
    return order_id
