"""Use case: somebody looks at a provider, and at how it does."""

from dataclasses import dataclass
from datetime import date

from chassis.kernel.clock import Clock
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain import refusals
from services.fulfillment.domain.performance import Performance
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedProvider:
    """
    Attributes:
        day: Which of its days work accepted now would fill.
    """

    provider: Provider
    performance: Performance
    day: date


async def get_provider(
    provider_id: ProviderId, *, uow: UnitOfWork, clock: Clock
) -> WatchedProvider:
    """
    Raises:
        ProviderNotFound: There is no such provider.
    """
    now = clock()
    async with uow() as tx:
        found = await tx.providers.with_ids([provider_id])
        recent = await tx.provider_days.recent([provider_id], now)
    if not found:
        raise refusals.ProviderNotFound(f"there is no provider {provider_id}")
    (provider,) = found
    return WatchedProvider(
        provider=provider,
        performance=recent.get(provider_id, Performance()),
        day=provider.hours.day_filled_at(now),
    )
