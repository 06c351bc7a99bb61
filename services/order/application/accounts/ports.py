"""What is known of accounts, in the words of the use cases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from services.order.domain.account_limits import AccountLimits, OpenOrders
from services.order.domain.values import AccountId, Channel


class Accounts(Protocol):
    """
    The limits of accounts, and what these have under way.
    """

    async def own_limits(
        self, account_ids: Sequence[AccountId]
    ) -> Mapping[AccountId, AccountLimits]:
        """
        Return the limits of those that have some of their own, be it that they have none.
        """
        ...

    def limits_of(self, channel: Channel) -> AccountLimits:
        """
        Return what counts for accounts without limits of their own.
        """
        ...

    async def put_limits(
        self, account_id: AccountId, limits: AccountLimits, *, now: datetime
    ) -> None: ...

    async def delete_limits(self, account_id: AccountId) -> None: ...

    async def lock(self, account_ids: Sequence[AccountId]) -> None:
        """
        Keep everybody else from placing orders of limited accounts until the transaction ends.
        """
        ...

    async def under_way(
        self, most: Mapping[AccountId, int | None]
    ) -> Mapping[AccountId, OpenOrders]:
        """
        Return what is under way for each account, looking at so many orders at *most*.
        """
        ...
