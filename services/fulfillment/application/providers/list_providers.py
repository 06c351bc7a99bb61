"""Use case: somebody looks at the providers."""

from collections.abc import Sequence

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.provider import Provider


async def list_providers(*, uow: UnitOfWork) -> Sequence[Provider]:
    """
    Return all providers, by id.
    """
    async with uow() as tx:
        return await tx.providers.all()
