"""Rankings, kept with the offers they led to."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.storage.database import Transaction
from services.fulfillment.application.providers.ports import OfferExplanation
from services.fulfillment.domain import refusals
from services.fulfillment.domain.ranking import Exclusion, RankedProvider, RankingFactors
from services.fulfillment.domain.values import FulfillmentOrderId, OfferId, ProviderId

# One row without an offer if there was none; none if there is no such fulfillment order.
_RANKINGS = text(
    """
    SELECT offers.id AS offer_id, provider_id, ranking FROM fulfillment_orders
    LEFT JOIN offers ON fulfillment_order_id = fulfillment_orders.id
    WHERE fulfillment_orders.id = :id ORDER BY offers.id
    """
)


class SqlOfferExplanations:
    """
    Reads what is written once, with each offer, and by nothing else.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def of(self, order_id: FulfillmentOrderId) -> Sequence[OfferExplanation]:
        rows = await self._tx.rows(_RANKINGS, {"id": order_id})
        if not rows:
            raise refusals.FulfillmentOrderNotFound(f"there is no fulfillment order {order_id}")
        return [
            OfferExplanation(
                offer_id=OfferId(row.offer_id),
                provider_id=ProviderId(row.provider_id),
                offered_at=_moment_of(row.offer_id),
                ranking=ranking_from_json(row.ranking),
            )
            for row in rows
            if row.offer_id
        ]


def json_from_ranking(ranking: Iterable[RankedProvider]) -> list[list[Any]]:
    return [
        [
            ranked.provider_id,
            ranked.day,
            ranked.excluded or "",
            ranked.factors.rank,
            ranked.factors.cost,
            ranked.factors.score,
            ranked.factors.capacity,
            ranked.factors.total,
        ]
        for ranked in ranking
    ]


def ranking_from_json(entries: Iterable[Sequence[Any]]) -> tuple[RankedProvider, ...]:
    return tuple(
        RankedProvider(
            provider_id=ProviderId(provider_id),
            day=date.fromisoformat(day),
            excluded=Exclusion(excluded) if excluded else None,
            factors=RankingFactors(
                rank=rank, cost=cost, score=score, capacity=capacity, total=total
            ),
        )
        for provider_id, day, excluded, rank, cost, score, capacity, total in entries
    )


def _moment_of(id_: UUID) -> datetime:
    """
    Return when a UUIDv7 was made, to the millisecond.
    """
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
