"""One database transaction of the product service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.storage.database import Database, Transaction
from chassis.wake import Wake
from services.product.adapters.locations import SqlLocations
from services.product.adapters.products import SqlProducts
from services.product.adapters.requests import SqlRequests
from services.product.adapters.reservations import SqlReservations
from services.product.adapters.stock_items import SqlStockItems
from services.product.application.ports.transaction import UnitOfWork


class SqlTransaction:
    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self.requests = SqlRequests(tx)
        self.products = SqlProducts(tx, outbox)
        self.locations = SqlLocations(tx)
        self.stock_items = SqlStockItems(tx, outbox)
        self.reservations = SqlReservations(tx, outbox)


def sql_unit_of_work(database: Database, *, told: Wake, clock: Clock) -> UnitOfWork:
    """
    Return a unit of work whose transactions run on *database*.

    Args:
        told: Rung when a transaction has left events for the relay.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[SqlTransaction]:
        async with database.begin() as tx:
            yield SqlTransaction(tx, Outbox(tx, wake=told, clock=clock))

    return begin
