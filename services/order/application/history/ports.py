"""What the history of orders needs from the outside, in its own words."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.order.domain.history.facts import Told
from services.order.domain.history.summary import OrderSummary
from services.order.domain.period import ALWAYS, Period
from services.order.domain.values import AccountId, OrderId, OrderStatus


class OrderHistory(Protocol):
    """
    What became of every order.
    """

    def note(self, told: Sequence[Told]) -> None:
        """
        Have what events tell heard when the transaction ends, each once: by what was told all
        through the transaction, in a few statements.
        """
        ...

    async def page(
        self,
        account_id: AccountId,
        *,
        before: OrderId | None,
        statuses: Sequence[OrderStatus],
        limit: int,
        period: Period = ALWAYS,
    ) -> Sequence[OrderSummary]:
        """
        Return what became of an account's orders that are older than *before*, newest first.
        """
        ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def history(self) -> OrderHistory: ...


UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]
