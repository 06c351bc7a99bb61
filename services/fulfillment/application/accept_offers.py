"""Use case: a provider takes on offered work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.fulfillment.application.ports import Transaction, UnitOfWork
from services.fulfillment.application.providers.ports import ProviderDay
from services.fulfillment.application.seek_providers import seek_providers
from services.fulfillment.domain import refusals
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights
from services.fulfillment.domain.values import OfferId, ProviderId

# What the work remembers of a provider whose day was full.
NO_CAPACITY = "no capacity left"


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOffer:
    offer_id: OfferId
    provider_id: ProviderId


async def accept_offers(
    commands: Sequence[AcceptOffer],
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
) -> Sequence[FulfillmentOrder | DomainError]:
    """
    Take on the work of each offer, or say why not. An overdue one expires on the spot, and one
    to a provider whose day is full counts as rejected: the next provider is asked.

    Safe to repeat: what is accepted already is answered again, and fills its day once. Of two at
    once for the last place of a day, the second waits for the first and finds the day full.
    """
    async with uow() as tx:
        orders = await tx.fulfillment_orders.with_offers({c.offer_id for c in commands})
        # Only now that they are locked: whoever held them before may have taken a while.
        now = clock()
        providers = await tx.providers.with_ids({c.provider_id for c in commands})
        filling = await _lock_days(orders, providers, tx, now)
        seeking = [order for order in orders if order.lapse(now)]
        by_offer = {offer.id: order for order in orders for offer in order.offers}
        answers = [_accept(by_offer.get(c.offer_id), c, filling, seeking) for c in commands]
        await seek_providers(seeking, tx=tx, now=now, answer_within=answer_within, weights=weights)
        await tx.fulfillment_orders.save(orders)
    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filling:
    """
    What accepted work would fill.

    Attributes:
        days: The day that each provider fills now.
        taken: How many fulfillment orders fill each, also by this batch.
    """

    providers: Mapping[ProviderId, Provider]
    days: Mapping[ProviderId, ProviderDay]
    taken: dict[ProviderDay, int]


async def _lock_days(
    orders: Sequence[FulfillmentOrder],
    providers: Sequence[Provider],
    tx: Transaction,
    now: datetime,
) -> _Filling:
    """
    Lock, all at once and so in one order, every day of which something may be noted.
    """
    days = {p.id: (p.id, p.hours.day_filled_at(now)) for p in providers}
    open_ = [offer for order in orders if (offer := order.live_offer) and offer.is_open]
    wanted = {days[offer.provider_id] for offer in open_ if offer.provider_id in days}
    wanted |= {(offer.provider_id, offer.day) for offer in open_ if offer.day}
    taken = await tx.provider_days.lock(wanted)
    return _Filling(providers={p.id: p for p in providers}, days=days, taken=dict(taken))


def _accept(
    order: FulfillmentOrder | None,
    command: AcceptOffer,
    filling: _Filling,
    seeking: list[FulfillmentOrder],
) -> FulfillmentOrder | DomainError:
    provider = filling.providers.get(command.provider_id)
    if order is None or provider is None:
        return refusals.OfferNotFound(f"there is no offer {command.offer_id}")
    key = filling.days[provider.id]
    taken = filling.taken.get(key, 0)
    try:
        if order.accept(command.offer_id, provider, key[1], taken=taken):
            filling.taken[key] = taken + 1
    except refusals.CapacityExceeded as refusal:
        order.reject(command.offer_id, provider.id, NO_CAPACITY)
        seeking.append(order)
        return refusal
    except DomainError as refusal:
        return refusal
    return order
