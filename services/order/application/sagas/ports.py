"""What looking after sagas needs from the outside."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from chassis.kernel.errors import NotFound
from chassis.saga.standing import Standing, StandingQuery
from chassis.saga.steps import Move
from services.order.application.ports import Orders
from services.order.application.returns.ports import ReturnCases
from services.order.domain.values import AccountId, OrderId, ReturnId


class SagaNotFound(NotFound):
    @classmethod
    def of(cls, id_: UUID) -> "SagaNotFound":
        return cls(f"no story of an order or a return {id_}: it has ended, or does not exist")


class StandingSagas(Protocol):
    """
    The stories of orders and returns that have not ended.
    """

    async def find(self, ids: Sequence[UUID]) -> Mapping[UUID, Standing]: ...

    async def hold(self, ids: Sequence[UUID]) -> Mapping[UUID, Standing]:
        """
        Lock the sagas of *ids* that have not ended, and return where they stand.
        """
        ...

    async def page(self, query: StandingQuery) -> Sequence[Standing]: ...

    async def move(self, moves: Sequence[Move], *, now: datetime) -> None: ...

    async def end(self, ids: Sequence[UUID]) -> None: ...

    async def wake(self, ids: Sequence[UUID], *, now: datetime) -> None: ...


class SagaTransaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def orders(self) -> Orders: ...

    @property
    def returns(self) -> ReturnCases: ...

    @property
    def sagas(self) -> StandingSagas: ...


SagaUnitOfWork = Callable[[], AbstractAsyncContextManager[SagaTransaction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSagaStanding:
    """
    Where the story of one order stands, or of one return of its goods.

    Attributes:
        return_id: `None` if it is the order's own.
        standing: `None` if it has just ended.
        skippable: Whether its step may be skipped now.
    """

    order_id: OrderId
    account_id: AccountId
    standing: Standing | None
    skippable: bool
    return_id: ReturnId | None = None
