"""Use case: somebody looks at the limits of an account, and how much of them it uses."""

from dataclasses import dataclass

from services.order.application.ports import UnitOfWork
from services.order.domain.account_limits import AccountLimits, OpenOrders
from services.order.domain.values import AccountId, Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class CountingLimits:
    """
    What counts for an account.

    Attributes:
        own: `None` if those of the channels count.
    """

    own: AccountLimits | None
    business: AccountLimits
    consumer: AccountLimits
    used: OpenOrders


async def get_account_limits(account_id: AccountId, *, uow: UnitOfWork) -> CountingLimits:
    """
    Return the limits of an account, and what it has under way.
    """
    async with uow() as tx:
        own = await tx.accounts.own_limits([account_id])
        used = await tx.accounts.under_way({account_id: None})
        return CountingLimits(
            own=own.get(account_id),
            business=tx.accounts.limits_of(Channel.BUSINESS),
            consumer=tx.accounts.limits_of(Channel.CONSUMER),
            used=used[account_id],
        )
