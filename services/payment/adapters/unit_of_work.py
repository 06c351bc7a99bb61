"""One database transaction of the payment service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.events.outbox import Outbox
from chassis.kernel.clock import Clock
from chassis.storage.database import Database, Transaction
from chassis.wake import Wake
from services.payment.adapters.chargebacks import SqlChargebacks
from services.payment.adapters.ledger import SqlLedger
from services.payment.adapters.payments import SqlPayments
from services.payment.adapters.psp_events import SqlPspEvents
from services.payment.application.ports import UnitOfWork


class SqlTransaction:
    def __init__(self, tx: Transaction, *, told: Wake, clock: Clock) -> None:
        self.payments = SqlPayments(tx, Outbox(tx, wake=told, clock=clock))
        self.ledger = SqlLedger(tx)
        self.psp_events = SqlPspEvents(tx)
        self.chargebacks = SqlChargebacks(tx)


def sql_unit_of_work(database: Database, *, told: Wake, clock: Clock) -> UnitOfWork:
    """
    Return a unit of work whose transactions run on *database*.

    Args:
        told: Rung when a transaction has left events behind.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[SqlTransaction]:
        async with database.begin() as tx:
            yield SqlTransaction(tx, told=told, clock=clock)

    return begin
