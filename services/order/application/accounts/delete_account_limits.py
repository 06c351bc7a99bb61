"""Use case: an account has no limits of its own any more."""

from dataclasses import dataclass

from services.order.application.ports import UnitOfWork
from services.order.domain.values import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccountLimits:
    account_id: AccountId


async def delete_account_limits(command: DeleteAccountLimits, *, uow: UnitOfWork) -> None:
    """
    Let the limits of its channel count for the account. Safe to repeat: deleting none is no error.
    """
    async with uow() as tx:
        await tx.accounts.delete_limits(command.account_id)
