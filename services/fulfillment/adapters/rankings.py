"""Rankings as they are kept with the offers they led to."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.fulfillment.domain.ranking import Exclusion, RankedProvider, RankingFactors
from services.fulfillment.domain.values import ProviderId


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


def moment_of(id_: UUID) -> datetime:
    """
    Return when a UUIDv7 was made, to the millisecond.
    """
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
