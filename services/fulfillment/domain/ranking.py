"""Whom to ask first, and why: a policy over cost, score and capacity left."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from services.fulfillment.domain.performance import Performance
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import FulfillmentOrderId, ProviderId, ServiceLevel

# Totals are rounded to one in so many, so that near equals share the work.
_STEPS = 20


class Exclusion(StrEnum):
    """
    Why a provider is not asked.
    """

    SUSPENDED = "SUSPENDED"
    REGION = "REGION"
    SERVICE_LEVEL = "SERVICE_LEVEL"
    CAPACITY = "CAPACITY"
    ALREADY_ASKED = "ALREADY_ASKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingWeights:
    """
    How much each factor counts; what matters is how they compare.
    """

    cost: float = 0.4
    score: float = 0.4
    capacity: float = 0.2


USUAL_WEIGHTS = RankingWeights()


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingFactors:
    """
    What the policy weighs; each but the rank from 0 (worst) to 1 (best).
    """

    rank: int
    cost: float
    score: float
    capacity: float
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedProvider:
    """
    Why a provider stands where it stands.

    Attributes:
        day: Which of its days work accepted now would fill.
        excluded: Why it is not asked; `None`: it is.
    """

    provider_id: ProviderId
    day: date
    excluded: Exclusion | None = None
    factors: RankingFactors

    @property
    def standing(self) -> tuple[int, float]:
        return self.factors.rank, -self.factors.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """
    A provider as it stands now.

    Attributes:
        day: Which of its days work accepted now would fill.
        is_full: Whether that day is full, or the one that is filled when the offer ends.
    """

    provider: Provider
    performance: Performance
    day: date
    is_full: bool

    @classmethod
    def now(
        cls, provider: Provider, performance: Performance, *, now: datetime, until: datetime
    ) -> "Candidate":
        """
        Args:
            until: When an offer made now expires: it may be accepted after the cutoff.
        """
        days = [provider.hours.day_filled_at(moment) for moment in (now, until)]
        full = any(not provider.has_room_after(performance.taken.get(day, 0)) for day in days)
        return cls(provider=provider, performance=performance, day=days[0], is_full=full)

    @property
    def capacity_left(self) -> float:
        most = self.provider.daily_capacity
        left = most - self.performance.taken.get(self.day, 0)
        return max(left, 0) / most if most else 1.0

    def exclusion(self, country_code: str, level: ServiceLevel) -> Exclusion | None:
        if self.provider.suspended:
            return Exclusion.SUSPENDED
        if not self.provider.delivers_to(country_code):
            return Exclusion.REGION
        if self.provider.terms_of(level) is None:
            return Exclusion.SERVICE_LEVEL
        return Exclusion.CAPACITY if self.is_full else None


def rank_candidates(
    candidates: Sequence[Candidate],
    *,
    country_code: str,
    service_level: ServiceLevel,
    weights: RankingWeights,
) -> Sequence[RankedProvider]:
    """
    Return all candidates, the first to be asked first, and last those that are not asked: by
    rank, then by what their factors come to, then by id.
    """
    excluded = {c.provider.id: c.exclusion(country_code, service_level) for c in candidates}
    able = [c for c in candidates if not excluded[c.provider.id]]
    costs = _costs(able, service_level)
    ranked = [
        RankedProvider(
            provider_id=c.provider.id,
            day=c.day,
            excluded=excluded[c.provider.id],
            factors=_factors(c, _cost_factor(c, service_level, costs), weights),
        )
        for c in candidates
    ]
    return sorted(ranked, key=lambda r: (r.excluded is not None, r.standing, r.provider_id))


def ranking_for(
    ranking: Sequence[RankedProvider],
    *,
    work: FulfillmentOrderId,
    asked: Collection[ProviderId],
) -> Sequence[RankedProvider]:
    """
    Return *ranking* as it is for some work: who was asked is not asked again. Among equals the
    work decides: its id is a hash, so they share what there is evenly, without counting.
    """
    able = [r for r in ranking if not r.excluded and r.provider_id not in asked]
    again = [
        replace(r, excluded=Exclusion.ALREADY_ASKED)
        for r in ranking
        if not r.excluded and r.provider_id in asked
    ]
    if able:
        equals = sum(r.standing == able[0].standing for r in able)
        turn = work.int % equals
        able = [*able[turn:equals], *able[:turn], *able[equals:]]
    return [*able, *again, *(r for r in ranking if r.excluded)]


def _costs(candidates: Iterable[Candidate], level: ServiceLevel) -> Mapping[str, Sequence[int]]:
    """
    Return what is asked in each currency: amounts in two can't be compared. Nothing is nothing
    in all of them.
    """
    asked = [terms.cost for c in candidates if (terms := c.provider.terms_of(level))]
    free = [0] if None in asked else []
    costs: dict[str, list[int]] = {}
    for cost in asked:
        if cost:
            costs.setdefault(cost.currency, [*free]).append(cost.minor_units)
    return costs


def _cost_factor(
    candidate: Candidate, level: ServiceLevel, costs: Mapping[str, Sequence[int]]
) -> float:
    terms = candidate.provider.terms_of(level)
    if terms is None:
        return 0.0
    if terms.cost is None or not terms.cost.minor_units:
        return 1.0
    own = terms.cost.minor_units
    others = costs.get(terms.cost.currency, ())
    # In a straight line: the cheapest has 1, the dearest what the cheapest is of it.
    least, most = min(others, default=own), max(others, default=own)
    return min(max((least + most - own) / most, 0.0), 1.0) if most else 0.0


def _factors(candidate: Candidate, cost: float, weights: RankingWeights) -> RankingFactors:
    score, capacity = candidate.performance.score, candidate.capacity_left
    weighed = weights.cost * cost + weights.score * score + weights.capacity * capacity
    total = weighed / (weights.cost + weights.score + weights.capacity)
    return RankingFactors(
        rank=candidate.provider.rank,
        cost=cost,
        score=score,
        capacity=capacity,
        total=round(total * _STEPS) / _STEPS,
    )
