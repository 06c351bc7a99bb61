"""Use case: providers say whether work they do can still be given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, ProviderId
from services.fulfillment.domain.whole_cancellation import by_order, settle_cancellation


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCancellation:
    """
    Attributes:
        reason: Why not, in the provider's words; may be empty.
    """

    fulfillment_order_id: FulfillmentOrderId
    provider_id: ProviderId
    accepted: bool
    reason: str


async def answer_cancellations(
    commands: Sequence[AnswerCancellation],
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Note each answer, or say why it does not count. With the last yes all the work of an order is
    given up in one step; with the first no all of it goes on.

    Safe to repeat: the same answer again is answered again, also once the time for it is over.
    """
    async with uow() as tx:
        found = await tx.fulfillment_orders.beside({c.fulfillment_order_id for c in commands})
        # Only now that they are locked: whoever held them before may have taken a while.
        now, orders = clock(), {order.id: order for order in found}
        for order in found:
            order.lapse_cancellation(now)
        answers = [_answer(orders.get(c.fulfillment_order_id), c) for c in commands]
        for work in by_order(found).values():
            settle_cancellation(work, answer_by=now + answer_within)
        await tx.fulfillment_orders.save(found)
    return answers


def _answer(
    order: FulfillmentOrder | None, command: AnswerCancellation
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.FulfillmentOrderNotFound(
            f"there is no fulfillment order {command.fulfillment_order_id}"
        )
    try:
        order.answer_cancellation(
            command.provider_id, accepted=command.accepted, reason=command.reason
        )
    except DomainError as refusal:
        return refusal
    return order
