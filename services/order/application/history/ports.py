"""What the history of orders needs from the outside, in its own words."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Read:
    """
    Some events of one context, as its stream has them.

    Attributes:
        told: Those that this service understands.
        upto: The place in the stream that was read up to.
    """

    told: Sequence[Told]
    upto: int


class Streams(Protocol):
    """
    All that the contexts have told and their streams still know.
    """

    async def end(self, context: str) -> int:
        """
        Return the place of the last event.
        """
        ...

    def read(self, context: str, *, after: int, upto: int) -> AsyncIterator[Read]:
        """
        Yield the events after one place, up to another, some at a time and in order.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """
    What became of some rebuilt orders.

    Attributes:
        last: The last one of them; `None` if there was none.
        orders: How many are done with.
        missing: How many the history did not have.
        wrong: Of how many it said something else.
        behind: How many wait for the streams to tell as much as the history has heard.
    """

    last: OrderId | None
    orders: int = 0
    missing: int = 0
    wrong: int = 0
    behind: int = 0


class Rebuilding(Protocol):
    """
    The history as it is being told anew, beside the one that is shown.
    """

    async def hear(self, context: str, told: Sequence[Told], *, new: bool) -> None:
        """
        Take in events; of orders that are not there only if *new* ones may come in.
        """
        ...

    async def take_over(self, after: OrderId | None) -> Portion:
        """
        Put some rebuilt orders, those that follow *after*, in the place of what is shown, and
        be done with them; those that are behind stay.
        """
        ...
