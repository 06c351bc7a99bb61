"""Use case: somebody decides how much an account may have under way."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from services.order.application.ports import UnitOfWork
from services.order.domain.account_limits import AccountLimits
from services.order.domain.values import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class PutAccountLimits:
    account_id: AccountId
    limits: AccountLimits


async def put_account_limits(
    command: PutAccountLimits, *, uow: UnitOfWork, clock: Clock
) -> datetime:
    """
    Let *limits* count for the account from now on, and return since when.

    Safe to repeat: it says how the limits shall be, not how they shall change.
    """
    now = clock()
    async with uow() as tx:
        await tx.accounts.put_limits(command.account_id, command.limits, now=now)
    return now
