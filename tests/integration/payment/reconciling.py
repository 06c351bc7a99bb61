"""
Import a report and match it, in a process that may be killed at any line.

`python -m tests.integration.payment.reconciling DATABASE_URL REPORT` where REPORT is a pickle that
the test has written. It says each step that it has done.
"""

import asyncio
import pickle
import sys
from datetime import timedelta
from pathlib import Path
from random import Random

from chassis.kernel.clock import system_clock
from chassis.storage.database import connect
from services.payment.adapters.settlement.unit_of_work import sql_reconciliation
from services.payment.application.reconciliation.import_settlement_rows import (
    ImportSettlementRows,
    import_settlement_rows,
)
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.reconcile_report import (
    ReconcileReport,
    reconcile_report,
)
from services.payment.domain.settlement.report import ReportState
from tests.settlements import MAIN
from tests.unit.payment.reconciliation import Accounts

ROWS = 1_500
BATCH = 1_000


async def main(url: str, report: dict) -> None:
    database = connect(url, application="reconciling")
    uow = sql_reconciliation(database)
    calls = [
        ImportSettlementRows(
            account=MAIN,
            report_id="hostile",
            offset=offset,
            rows=report["rows"][offset : offset + ROWS],
        )
        for offset in range(0, len(report["rows"]), ROWS)
    ]
    # Some come twice, and in any order.
    random = Random(len(calls))
    calls += random.sample(calls, len(calls) // 3)
    random.shuffle(calls)
    for call in calls:
        await import_settlement_rows(call, uow=uow, accounts=Accounts())
        print("imported", flush=True)

    matching = Matching(
        uow=uow, accounts=Accounts(), clock=system_clock, margin=timedelta(0), batch=BATCH
    )
    command = ReconcileReport(
        account=MAIN,
        report_id="hostile",
        rows=len(report["rows"]),
        begins=report["begins"],
        ends=report["ends"],
    )
    state = ReportState.MATCHING
    while state is not ReportState.RECONCILED:
        state = (await reconcile_report(command, matching=matching, batches=1)).state
        print("matched", flush=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], pickle.loads(Path(sys.argv[2]).read_bytes())))
