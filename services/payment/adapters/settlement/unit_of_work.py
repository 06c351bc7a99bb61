"""One database transaction of reconciliation."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chassis.storage.database import Database, Transaction
from services.payment.adapters.ledger import SqlLedger
from services.payment.adapters.settlement.differences import SqlDifferences
from services.payment.adapters.settlement.movements import SqlMovements
from services.payment.adapters.settlement.reports import SqlReports
from services.payment.adapters.settlement.rows import SqlSettlementRows
from services.payment.adapters.settlement.windows import SqlWindows
from services.payment.application.reconciliation.ports import ReconciliationUnitOfWork


class SqlReconciliation:
    def __init__(self, tx: Transaction) -> None:
        self.reports = SqlReports(tx)
        self.rows = SqlSettlementRows(tx)
        self.movements = SqlMovements(tx)
        self.differences = SqlDifferences(tx)
        self.windows = SqlWindows(tx)
        self.ledger = SqlLedger(tx)


def sql_reconciliation(database: Database) -> ReconciliationUnitOfWork:
    """
    Return a unit of work whose transactions run on *database*.
    """

    @asynccontextmanager
    async def begin() -> AsyncGenerator[SqlReconciliation]:
        async with database.begin() as tx:
            yield SqlReconciliation(tx)

    return begin
