"""Providers: who picks, packs and ships, and whom to ask first."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from services.fulfillment.domain.values import FulfillmentOrderId, ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """
    Somebody who picks, packs and ships. What is known of it is replaced as a whole, and nobody
    is told: so it has no version and no events.

    Attributes:
        regions: The countries it delivers to; empty: everywhere.
        rank: Who is asked first: lower before higher.
        suspended: Whether it gets no offers. Those it has are still its to answer.
    """

    id: ProviderId
    name: str
    regions: frozenset[str] = frozenset()
    rank: int = 0
    suspended: bool = False

    def serves(self, country_code: str) -> bool:
        return not self.suspended and (not self.regions or country_code in self.regions)


def choose_provider(
    providers: Iterable[Provider],
    *,
    country_code: str,
    asked: Collection[ProviderId],
    work: FulfillmentOrderId,
) -> Provider | None:
    """
    Return the best of *providers* that was not asked yet, or none if all were.

    Among equals in rank the work decides: its id is a hash, so they share what there is evenly,
    without counting.
    """
    able = [p for p in providers if p.id not in asked and p.serves(country_code)]
    if not able:
        return None
    best = min(provider.rank for provider in able)
    equals = sorted((p for p in able if p.rank == best), key=lambda provider: provider.id)
    return equals[work.int % len(equals)]
