"""Use case: a provider takes on offered work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.seek_providers import seek_providers
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import OfferId, ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOffer:
    offer_id: OfferId
    provider_id: ProviderId


async def accept_offers(
    commands: Sequence[AcceptOffer], *, uow: UnitOfWork, clock: Clock, answer_within: timedelta
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Take on the work of each offer, or say why not. An overdue one expires on the spot, and the
    next provider is asked.

    Safe to repeat: what is accepted already is answered again.
    """
    async with uow() as tx:
        orders = await tx.fulfillment_orders.with_offers({c.offer_id for c in commands})
        # Only now that they are locked: whoever held them before may have taken a while.
        now = clock()
        lapsed = [order for order in orders if order.lapse(now)]
        await seek_providers(lapsed, tx=tx, now=now, answer_within=answer_within)
        by_offer = {offer.id: order for order in orders for offer in order.offers}
        answers = [_accept(by_offer.get(command.offer_id), command) for command in commands]
        await tx.fulfillment_orders.save(orders)
    return answers


def _accept(order: FulfillmentOrder | None, command: AcceptOffer) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.OfferNotFound(f"there is no offer {command.offer_id}")
    try:
        order.accept(command.offer_id, command.provider_id)
    except DomainError as refusal:
        return refusal
    return order
