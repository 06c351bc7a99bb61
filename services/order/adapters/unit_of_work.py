"""One database transaction of the order service."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import MappingProxyType
from uuid import UUID

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.saga.store import Bells, Sagas
from chassis.storage.database import Database, Transaction
from chassis.wake import Wake
from services.order.adapters.accounts import SqlAccounts
from services.order.adapters.cart_requests import SqlCartRequests
from services.order.adapters.carts import SqlCarts
from services.order.adapters.order_history import SqlOrderHistory
from services.order.adapters.orders import SqlOrders
from services.order.adapters.requests import SqlRequests
from services.order.adapters.return_cases import SqlReturnCases
from services.order.domain.account_limits import AccountLimits
from services.order.domain.order import Order
from services.order.domain.values import Channel, OrderId


class SqlTransaction:
    """
    What a use case and the saga runner reach within one transaction.
    """

    def __init__(
        self,
        tx: Transaction,
        *,
        told: Wake,
        due: Bells,
        clock: Clock,
        channels: Mapping[Channel, AccountLimits],
    ) -> None:
        self.orders = SqlOrders(tx, Outbox(tx, wake=told, clock=clock))
        self.returns = SqlReturnCases(tx, self.orders)
        self.requests = SqlRequests(tx)
        self.sagas = Sagas(tx, due)
        self.history = history_of(tx)
        self.carts = SqlCarts(tx)
        self.cart_requests = SqlCartRequests(tx)
        self.accounts = SqlAccounts(tx, channels)

    async def subjects(self, ids: Sequence[UUID]) -> dict[UUID, Order]:
        """
        Return the orders whose sagas are *ids*.
        """
        orders = await self.orders.find([OrderId(id_) for id_ in ids])
        return {order.id: order for order in orders.values()}

    async def save_subjects(self, subjects: Sequence[Order]) -> None:
        await self.orders.save(subjects)


SqlUnitOfWork = Callable[[], AbstractAsyncContextManager[SqlTransaction]]
# Joins a transaction that is open already: the one that also moves the inbox.
Join = Callable[[Transaction], SqlTransaction]


def history_of(tx: Transaction) -> SqlOrderHistory:
    """
    Return the history as an open transaction reaches it: one for each, as it gathers.
    """
    return tx.once(SqlOrderHistory, lambda: SqlOrderHistory(tx))


def join_with(
    *,
    told: Wake,
    due: Bells,
    clock: Clock,
    channels: Mapping[Channel, AccountLimits] = MappingProxyType({}),
) -> Join:
    """
    Return how to use an open transaction as one of the order service.

    Args:
        told: Rung after a commit that left events in the outbox.
        due: Rung after a commit that made a saga due.
        channels: The limits of accounts without limits of their own.
    """

    def join(tx: Transaction) -> SqlTransaction:
        # One for each open transaction, as it remembers what was read.
        return tx.once(
            SqlTransaction,
            lambda: SqlTransaction(tx, told=told, due=due, clock=clock, channels=channels),
        )

    return join


def sql_unit_of_work(database: Database, join: Join) -> SqlUnitOfWork:
    """
    Return a unit of work whose transactions run on *database*.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[SqlTransaction]:
        async with database.begin() as tx:
            yield join(tx)

    return begin
