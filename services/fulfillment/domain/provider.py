"""Providers: who picks, packs and ships, for how much and how fast."""

from dataclasses import dataclass
from datetime import date

from chassis.kernel.money import Money
from services.fulfillment.domain.calendar import USUAL_HOURS, WorkingHours
from services.fulfillment.domain.promise import DeliveryPromise
from services.fulfillment.domain.values import ProviderId, ServiceLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTerms:
    """
    What a provider asks and promises for one service level.

    Attributes:
        cost: For one fulfillment order; `None`: nothing.
        transit_days_min: Working days from dispatch to delivery, the least.
    """

    service_level: ServiceLevel
    cost: Money | None = None
    transit_days_min: int
    transit_days_max: int


# Of a provider that has not said what it offers.
USUAL_TERMS = ServiceTerms(
    service_level=ServiceLevel.STANDARD, transit_days_min=1, transit_days_max=5
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """
    Somebody who picks, packs and ships. What is known of it is replaced as a whole, and nobody
    is told: so it has no version and no events.

    Attributes:
        regions: The countries it delivers to; empty: everywhere.
        rank: Who is asked first: lower before higher.
        suspended: Whether it gets no offers. Those it has are still its to answer.
        suspension_reason: Why, for people.
        terms: What it offers, each level once.
        daily_capacity: Fulfillment orders it takes on a day; 0: as many as there are.
    """

    id: ProviderId
    name: str
    regions: frozenset[str] = frozenset()
    rank: int = 0
    suspended: bool = False
    suspension_reason: str = ""
    terms: tuple[ServiceTerms, ...] = (USUAL_TERMS,)
    daily_capacity: int = 0
    hours: WorkingHours = USUAL_HOURS

    def delivers_to(self, country_code: str) -> bool:
        return not self.regions or country_code in self.regions

    def terms_of(self, level: ServiceLevel) -> ServiceTerms | None:
        return next((terms for terms in self.terms if terms.service_level is level), None)

    def has_room_after(self, taken: int) -> bool:
        """
        Return whether it takes on more on a day on which it has *taken* on so many.
        """
        return not self.daily_capacity or taken < self.daily_capacity

    def promise_from(self, day: date, level: ServiceLevel) -> DeliveryPromise:
        """
        Return when everything arrives that leaves on *day*. Who offers the level no more, but
        takes the work on, promises what is usual.
        """
        terms = self.terms_of(level) or USUAL_TERMS
        return DeliveryPromise(
            first_day=self.hours.working_days_after(day, terms.transit_days_min),
            last_day=self.hours.working_days_after(day, terms.transit_days_max),
            time_zone=self.hours.time_zone,
        )
