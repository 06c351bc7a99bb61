"""Use case: the work on orders is to be given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import OrderId
from services.fulfillment.domain.whole_cancellation import by_order, cancel_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelFulfillment:
    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """
    How far it is.

    Attributes:
        answer_by: By when all who are asked by now will have answered; `None`: the work is given
            up.
    """

    order_id: OrderId
    answer_by: datetime | None = None


async def cancel_fulfillment(
    commands: Sequence[CancelFulfillment],
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
) -> Sequence[Cancelling | DomainError]:
    """
    Give up all the work of each order that nobody does; where somebody does some of it, ask for
    that, to be answered within *answer_within*. None of it is given up if a parcel has left or a
    provider has said no.

    Safe to repeat: who is asked is not asked twice, and what is decided is answered again. An order
    whose confirmation did not arrive yet is given up as well: the intake is shut before the work is
    looked for, so that either the work is there to be cancelled or it will never be opened.
    """
    ids = {command.order_id for command in commands}
    async with uow() as tx:
        await tx.intake.shut(ids)
        found = await tx.fulfillment_orders.of_orders(ids)
        # Only now that they are locked: whoever held them before may have taken a while.
        now, work = clock(), by_order(found)
        answers = [
            _cancel(c.order_id, work.get(c.order_id, ()), now=now, answer_by=now + answer_within)
            for c in commands
        ]
        await tx.fulfillment_orders.save(found)
    return answers


def _cancel(
    order_id: OrderId, work: Sequence[FulfillmentOrder], *, now: datetime, answer_by: datetime
) -> Cancelling | DomainError:
    try:
        asked_until = cancel_whole(work, now=now, answer_by=answer_by)
    except DomainError as refusal:
        return refusal
    return Cancelling(order_id=order_id, answer_by=asked_until)
