"""One database transaction of the fulfillment service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.storage.database import Database, Transaction
from chassis.wake import Wake
from services.fulfillment.adapters.fulfillment_orders import SqlFulfillmentOrders
from services.fulfillment.adapters.intake import SqlIntake
from services.fulfillment.adapters.open_cancellations import SqlOpenCancellations
from services.fulfillment.adapters.open_offers import SqlOpenOffers
from services.fulfillment.adapters.parcel_labels import SqlParcelLabels
from services.fulfillment.adapters.provider_days import SqlProviderDays
from services.fulfillment.adapters.providers import SqlProviders
from services.fulfillment.adapters.rankings import SqlOfferExplanations
from services.fulfillment.adapters.returns import SqlReturns
from services.fulfillment.adapters.tracking import SqlTracking
from services.fulfillment.application.ports import UnitOfWork


class SqlTransaction:
    """
    Args:
        tx: The database transaction to work in; whoever began it ends it.
        told: Rung when the transaction has committed events.
    """

    def __init__(self, tx: Transaction, *, told: Wake, clock: Clock) -> None:
        outbox = Outbox(tx, wake=told, clock=clock)
        self.provider_days = SqlProviderDays(tx)
        self.fulfillment_orders = SqlFulfillmentOrders(tx, outbox, self.provider_days)
        self.intake = SqlIntake(tx)
        self.open_cancellations = SqlOpenCancellations(tx)
        self.offer_explanations = SqlOfferExplanations(tx)
        self.open_offers = SqlOpenOffers(tx)
        self.providers = SqlProviders(tx)
        self.returns = SqlReturns(tx, outbox, self.provider_days)
        self.parcel_labels = SqlParcelLabels(tx)
        self.tracking = SqlTracking(tx)


def sql_unit_of_work(database: Database, *, told: Wake, clock: Clock) -> UnitOfWork:
    """
    Return a unit of work whose transactions run on *database*.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[SqlTransaction]:
        async with database.begin() as tx:
            yield SqlTransaction(tx, told=told, clock=clock)

    return begin
