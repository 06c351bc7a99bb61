"""Use case: a provider gets no more offers."""

from dataclasses import dataclass

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendProvider:
    """
    Attributes:
        reason: For people; may be empty.
    """

    provider_id: ProviderId
    reason: str


async def suspend_provider(command: SuspendProvider, *, uow: UnitOfWork) -> Provider:
    """
    Have no more offers made to a provider. Those it has are still its to answer.

    Safe to repeat: the last reason counts.

    Raises:
        ProviderNotFound: There is no such provider.
    """
    async with uow() as tx:
        return await tx.providers.suspend(
            command.provider_id, suspended=True, reason=command.reason
        )
