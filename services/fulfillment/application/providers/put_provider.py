"""Use case: a provider becomes known, or better known."""

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.provider import Provider


async def put_provider(provider: Provider, *, uow: UnitOfWork) -> None:
    """
    Register a provider, or replace what is known of it. Offers made before stay as they are.

    Safe to repeat: the last word counts.
    """
    async with uow() as tx:
        await tx.providers.put(provider)
