"""One database transaction of the product service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.storage.database import Database, Transaction
from chassis.wake import Wake
from services.product.adapters.activity import SqlActivity
from services.product.adapters.categories import SqlCategories
from services.product.adapters.locations import SqlLocations
from services.product.adapters.products import Changed, SqlProducts
from services.product.adapters.requests import SqlRequests
from services.product.adapters.reservations import SqlReservations
from services.product.adapters.search.index import SqlSearchIndex
from services.product.adapters.stock_items import SqlStockItems
from services.product.application.ports.activity import Counts
from services.product.application.ports.transaction import UnitOfWork


class SqlTransaction:
    def __init__(
        self,
        tx: Transaction,
        outbox: Outbox,
        *,
        clock: Clock,
        changed: Changed | None,
        counts: Counts | None,
    ) -> None:
        self.requests = SqlRequests(tx)
        self.search = SqlSearchIndex(tx)
        self.products = SqlProducts(tx, outbox, search=self.search, clock=clock, changed=changed)
        self.categories = SqlCategories(tx, outbox)
        self.locations = SqlLocations(tx)
        self.stock_items = SqlStockItems(tx, outbox)
        self.reservations = SqlReservations(tx, outbox)
        self.activity = SqlActivity(tx, counts)


def sql_unit_of_work(
    database: Database,
    *,
    told: Wake,
    clock: Clock,
    changed: Changed | None = None,
    counts: Counts | None = None,
) -> UnitOfWork:
    """
    Return a unit of work whose transactions run on *database*.

    Args:
        told: Rung when a transaction has left events for the relay.
        changed: Told after the commit which products have changed.
        counts: Where sales are counted after the commit.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[SqlTransaction]:
        async with database.begin() as tx:
            outbox = Outbox(tx, wake=told, clock=clock)
            yield SqlTransaction(tx, outbox, clock=clock, changed=changed, counts=counts)

    return begin
