"""A transaction of the order service, as the sagas of returns use it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import deepcopy
from uuid import UUID

from chassis.kernel.errors import Conflict
from chassis.saga.store import Sagas
from services.order.adapters.unit_of_work import SqlTransaction, SqlUnitOfWork
from services.order.application.returns.ports import ReturnCase
from services.order.domain.order import Order
from services.order.domain.values import OrderId


class ReturnTransaction:
    def __init__(self, tx: SqlTransaction) -> None:
        self.sagas: Sagas = tx.sagas
        self._tx = tx

    async def subjects(self, ids: Sequence[UUID]) -> dict[UUID, ReturnCase]:
        """
        Return the returns whose sagas are *ids*, each with an order of its own: what becomes of
        one return while it runs is nothing to another.
        """
        return {id_: deepcopy(case) for id_, case in (await self._tx.returns.find(ids)).items()}

    async def save_subjects(self, subjects: Sequence[ReturnCase]) -> None:
        """
        Raises:
            Conflict: Two returns of one order changed it: each has to see what the other did.
        """
        orders: dict[OrderId, Order] = {case.order.id: case.order for case in subjects}
        if len(orders) < len(subjects):
            raise Conflict("two returns of one order at once")
        await self._tx.orders.save([*orders.values()])


ReturnUnitOfWork = Callable[[], AbstractAsyncContextManager[ReturnTransaction]]


def return_unit_of_work(uow: SqlUnitOfWork) -> ReturnUnitOfWork:
    @asynccontextmanager
    async def begin() -> AsyncGenerator[ReturnTransaction]:
        async with uow() as tx:
            yield ReturnTransaction(tx)

    return begin
