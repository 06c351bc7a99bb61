"""What opening, declining and expiring have in common: the work goes to the next provider."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chassis.kernel.ids import new_id
from services.fulfillment.application.ports import Transaction
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.performance import Performance
from services.fulfillment.domain.ranking import (
    Candidate,
    RankedProvider,
    RankingWeights,
    rank_candidates,
)
from services.fulfillment.domain.values import OfferId, ServiceLevel


async def seek_providers(
    orders: Sequence[FulfillmentOrder],
    *,
    tx: Transaction,
    now: datetime,
    answer_within: timedelta,
    weights: RankingWeights,
) -> None:
    """
    Offer each of *orders* to its next best provider, who has *answer_within* to answer; the
    providers are read and ranked once for all.

    Their days are not locked: one that is filled meanwhile refuses when it is accepted.
    """
    if not orders:
        return
    until = now + answer_within
    candidates = await find_candidates(tx, now=now, until=until)
    rankings: dict[tuple[str, ServiceLevel], Sequence[RankedProvider]] = {}
    for order in orders:
        country, level = order.ship_to.country_code, order.service_level
        if (country, level) not in rankings:
            rankings[country, level] = rank_candidates(
                candidates, country_code=country, service_level=level, weights=weights
            )
        order.seek_provider(rankings[country, level], offer_id=OfferId(new_id()), expires_at=until)


async def find_candidates(
    tx: Transaction, *, now: datetime, until: datetime
) -> Sequence[Candidate]:
    """
    Return all providers as they stand now, for offers that expire at *until*.
    """
    providers = await tx.providers.all()
    recent = await tx.provider_days.recent([provider.id for provider in providers], now)
    return [
        Candidate.now(p, recent.get(p.id, Performance()), now=now, until=until) for p in providers
    ]
