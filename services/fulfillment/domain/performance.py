"""How providers do: what is noted of each day, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from services.fulfillment.domain.values import ProviderId

# Of how many days the notes count.
DAYS = 30

# What a provider without history is taken to have done well: so one bad day is not everything.
_TRUSTED = 10

_ACCEPTANCE, _PUNCTUALITY, _CARE = 0.4, 0.4, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNote:
    """
    What is to be added to a provider's day.

    Attributes:
        taken: Fulfillment orders that fill the day; -1: one that fills it no more.
        parcels: Those that were delivered or lost.
        on_time: Of these, delivered by the last day promised.
        damaged: Units that were claimed as damaged or came back damaged.
    """

    provider_id: ProviderId
    day: date
    taken: int = 0
    accepted: int = 0
    rejected: int = 0
    expired: int = 0
    parcels: int = 0
    on_time: int = 0
    lost: int = 0
    damaged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """
    How a provider did lately, and how full its days are.

    Attributes:
        taken: Fulfillment orders taken on, by the day they fill.
    """

    accepted: int = 0
    rejected: int = 0
    expired: int = 0
    parcels: int = 0
    on_time: int = 0
    lost: int = 0
    damaged: int = 0
    taken: Mapping[date, int] = field(default_factory=dict)

    @property
    def offers(self) -> int:
        return self.accepted + self.rejected + self.expired

    @property
    def score(self) -> float:
        """
        Acceptance, punctuality and care together, from 0 to 1; 1 without history.
        """
        unharmed = max(self.parcels - self.lost - self.damaged, 0)
        return (
            _ACCEPTANCE * _rate(self.accepted, self.offers)
            + _PUNCTUALITY * _rate(self.on_time, self.parcels)
            + _CARE * _rate(unharmed, self.parcels)
        )


def _rate(good: int, all_: int) -> float:
    return (good + _TRUSTED) / (all_ + _TRUSTED)
