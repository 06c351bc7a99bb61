"""Use case: somebody wonders who would be asked first, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.seek_providers import find_candidates
from services.fulfillment.domain.ranking import (
    USUAL_WEIGHTS,
    RankedProvider,
    RankingWeights,
    rank_candidates,
)
from services.fulfillment.domain.values import ServiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class RankProviders:
    country_code: str
    service_level: ServiceLevel


async def rank_providers(
    command: RankProviders,
    *,
    uow: UnitOfWork,
    clock: Clock,
    answer_within: timedelta,
    weights: RankingWeights = USUAL_WEIGHTS,
) -> Sequence[RankedProvider]:
    """
    Return all providers as they would be asked for work now; last, those that would not be. Which
    of near equals comes first depends on the work: here, by id.
    """
    now = clock()
    async with uow() as tx:
        candidates = await find_candidates(tx, now=now, until=now + answer_within)
    return rank_candidates(
        candidates,
        country_code=command.country_code,
        service_level=command.service_level,
        weights=weights,
    )
