"""Use case: a provider declines offered work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.seek_providers import seek_providers
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights
from services.fulfillment.domain.values import OfferId, ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectOffer:
    """
    Attributes:
        reason: Why, in the provider's words; may be empty.
    """

    offer_id: OfferId
    provider_id: ProviderId
    reason: str


async def reject_offers(
    commands: Sequence[RejectOffer],
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Decline each offer, or say why not; the next provider is asked in the same step.

    Safe to repeat: of an offer that is over the provider is free already.
    """
    async with uow() as tx:
        orders = await tx.fulfillment_orders.with_offers({c.offer_id for c in commands})
        by_offer = {offer.id: order for order in orders for offer in order.offers}
        declined: list[FulfillmentOrder] = []
        answers = [_reject(by_offer.get(c.offer_id), c, declined) for c in commands]
        await seek_providers(
            declined, tx=tx, now=clock(), answer_within=answer_within, weights=weights
        )
        await tx.fulfillment_orders.save(orders)
    return answers


def _reject(
    order: FulfillmentOrder | None, command: RejectOffer, declined: list[FulfillmentOrder]
) -> FulfillmentOrder | DomainError:
    if order is None:
        return refusals.OfferNotFound(f"there is no offer {command.offer_id}")
    try:
        if order.reject(command.offer_id, command.provider_id, command.reason):
            declined.append(order)
    except DomainError as refusal:
        return refusal
    return order
