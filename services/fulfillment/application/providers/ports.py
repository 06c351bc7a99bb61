"""What use cases about providers need from the outside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.fulfillment.domain.performance import Performance, ProviderNote
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.ranking import RankedProvider
from services.fulfillment.domain.values import FulfillmentOrderId, OfferId, ProviderId


class Providers(Protocol):
    """
    Every provider there is.
    """

    async def all(self) -> Sequence[Provider]: ...

    async def with_ids(self, ids: Collection[ProviderId]) -> Sequence[Provider]:
        """
        Return those of *ids* that there are.
        """
        ...

    async def put(self, provider: Provider) -> None: ...

    async def suspend(self, provider_id: ProviderId, *, suspended: bool, reason: str) -> Provider:
        """
        Suspend a provider or resume it, leave the rest of it as it is, and return it.

        Raises:
            ProviderNotFound: There is no such provider.
        """
        ...


# A provider, and one of its days.
ProviderDay = tuple[ProviderId, date]


class ProviderDays(Protocol):
    """
    What is noted of each provider's days. Notes that fulfillment orders hold are added when those
    are saved.
    """

    async def recent(
        self, provider_ids: Collection[ProviderId], now: datetime
    ) -> Mapping[ProviderId, Performance]:
        """
        Return how these providers did in the last 30 days; those of which something is noted.
        """
        ...

    async def lock(self, days: Collection[ProviderDay]) -> Mapping[ProviderDay, int]:
        """
        Lock *days*, in one global order, and return how many fulfillment orders fill each. Lock
        fulfillment orders first.
        """
        ...

    async def note(self, notes: Sequence[ProviderNote]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferExplanation:
    """
    The ranking that led to one offer.
    """

    offer_id: OfferId
    provider_id: ProviderId
    offered_at: datetime
    ranking: tuple[RankedProvider, ...]


class OfferExplanations(Protocol):
    """
    Why offers were made, to be looked at only.
    """

    async def of(self, order_id: FulfillmentOrderId) -> Sequence[OfferExplanation]:
        """
        Return the rankings that led to a fulfillment order's offers, oldest first.

        Raises:
            FulfillmentOrderNotFound: There is no such fulfillment order.
        """
        ...
