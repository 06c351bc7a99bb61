"""Use case: a provider gets offers again."""

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import ProviderId


async def resume_provider(provider_id: ProviderId, *, uow: UnitOfWork) -> Provider:
    """
    Have offers made to a provider again. Safe to repeat.

    Raises:
        ProviderNotFound: There is no such provider.
    """
    async with uow() as tx:
        return await tx.providers.suspend(provider_id, suspended=False, reason="")
