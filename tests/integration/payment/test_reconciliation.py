"""A hostile report on real PostgreSQL: every lie is found, and nothing else."""

import asyncio
import pickle
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.kernel.clock import system_clock
from services.payment.adapters.settlement.rows import RowMismatch
from services.payment.adapters.settlement.unit_of_work import sql_reconciliation
from services.payment.application.reconciliation.get_settlement_report import get_settlement_report
from services.payment.application.reconciliation.import_settlement_rows import (
    ImportSettlementRows,
    import_settlement_rows,
)
from services.payment.application.reconciliation.list_differences import (
    ListDifferences,
    list_differences,
)
from services.payment.application.reconciliation.matching import Matching
from services.payment.application.reconciliation.ports import DifferenceFilter
from services.payment.application.reconciliation.reconcile_report import (
    ReconcileReport,
    reconcile_report,
)
from services.payment.application.reconciliation.resolve_difference import (
    ResolveDifference,
    resolve_difference,
)
from services.payment.domain.settlement.differences import DifferenceResolved, DifferenceState
from services.payment.domain.settlement.report import ReportState
from tests.integration.counting import counted
from tests.settlements import MAIN, Liar, finding_of, honest, lie, make
from tests.unit.payment.reconciliation import Accounts

PAYMENTS = 5_500
AT_ONCE = 500
LIES = 150
OPEN = DifferenceFilter(report=None, kind=None, state=DifferenceState.OPEN)
NOT_NOTHING = text(
    """
    SELECT merchant, currency, sum(amount) FROM ledger_postings WHERE account = 'psp_clearing'
    GROUP BY merchant, currency HAVING sum(amount) <> 0
    """
)
# To say that the report is whole, and for a batch of it.
STATEMENTS = 3 + 9
CORRECTIONS = text("SELECT cause_id FROM ledger_entries WHERE kind = 'CORRECTION'")
TRIAL = text("SELECT currency FROM ledger_postings GROUP BY currency HAVING sum(amount) <> 0")


async def book(payments, made):
    for first in range(0, len(made), AT_ONCE):
        some = made[first : first + AT_ONCE]
        async with payments.uow() as tx:
            await tx.payments.save([each.payment for each in some])
            await tx.ledger.book([entry for each in some for entry in each.entries])


async def open_differences(uow):
    found, after, more = [], None, True
    while more:
        page, more = await list_differences(
            ListDifferences(wanted=OPEN, after=after, limit=300), uow=uow
        )
        found += page
        after = (page[-1].created_at, page[-1].id) if page else None
    return found


async def run_child(url, file, *, until=None):
    """
    Let another process import and match; kill it once it has said *until*, so many times.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.payment.reconciling", url, str(file)),
        stdout=asyncio.subprocess.PIPE,
    )
    said = Counter()
    async for line in child.stdout:
        said[line.decode().strip()] += 1
        if until and said[until[0]] == until[1]:
            child.kill()
            break
    await child.wait()
    return child.returncode


@pytest.fixture
def uow(payments):
    return sql_reconciliation(payments.database)


async def test_every_lie_of_a_hostile_report_is_found_and_nothing_else(
    payments, uow, migrated, tmp_path
):
    random, began = Random(7), datetime.now(UTC)
    made = [make(random, now=began) for _ in range(PAYMENTS)]
    await book(payments, made)
    liar = Liar(made)
    lies = [random.choice(liar.lies) for _ in range(LIES)]
    report = lie(honest(made, random, fees=200), liar, lies, random)
    assert len(report.rows) > 10_000
    file = tmp_path / "report"
    period = {"begins": began - timedelta(hours=1), "ends": began + timedelta(hours=1)}
    file.write_bytes(pickle.dumps({"rows": report.rows, **period}))
    url = (await migrated("payment")).app

    assert await run_child(url, file, until=("matched", 3)) != 0
    assert await run_child(url, file) == 0

    found = await open_differences(uow)
    assert Counter(finding_of(difference) for difference in found) == report.findings
    standing = await get_settlement_report(MAIN, "hostile", uow=uow)
    assert standing.report.rows == len(report.rows)
    for difference in found:
        await resolve_difference(
            ResolveDifference(difference_id=difference.id, reason="seen to", dismiss=False),
            uow=uow,
            clock=lambda: datetime.now(UTC),
        )
    assert await payments.rows(NOT_NOTHING) == []
    assert await payments.rows(TRIAL) == []


@pytest.fixture
def began():
    return datetime.now(UTC)


@pytest.fixture
async def reported(payments, uow, began):
    """
    A report whose rows are all in, and what must be found in it.
    """
    random = Random(9)
    made = [make(random, now=began) for _ in range(60)]
    await book(payments, made)
    liar = Liar(made)
    report = lie(honest(made, random), liar, liar.lies, random)
    await import_settlement_rows(
        ImportSettlementRows(account=MAIN, report_id="small", offset=0, rows=report.rows),
        uow=uow,
        accounts=Accounts(),
    )
    return report


def matching_of(uow, *, batch=20):
    return Matching(
        uow=uow, accounts=Accounts(), clock=system_clock, margin=timedelta(0), batch=batch
    )


def reconciling(report, began):
    hour = timedelta(hours=1)
    return ReconcileReport(
        account=MAIN,
        report_id="small",
        rows=len(report.rows),
        begins=began - hour,
        ends=began + hour,
    )


async def test_several_who_match_one_report_at_once_take_turns(uow, reported, began):
    matching = matching_of(uow)

    done = await asyncio.gather(
        *(
            reconcile_report(reconciling(reported, began), matching=matching, batches=100)
            for _ in range(4)
        )
    )

    assert {report.state for report in done} == {ReportState.RECONCILED}
    assert len({report.matched for report in done}) == 1
    found = await open_differences(uow)
    assert Counter(finding_of(difference) for difference in found) == reported.findings


async def test_a_batch_takes_few_statements_whatever_its_size(payments, uow, reported, began):
    command = reconciling(reported, began)
    # The first: nothing was missing in earlier reports.
    await reconcile_report(command, matching=matching_of(uow), batches=1)

    for size in (1, 10, 80):
        with counted(payments.database) as statements:
            await reconcile_report(command, matching=matching_of(uow, batch=size), batches=1)

        assert 0 < len(statements) <= STATEMENTS


async def test_a_difference_is_corrected_once_however_many_ask(payments, uow, reported, began):
    await reconcile_report(reconciling(reported, began), matching=matching_of(uow), batches=100)
    difference = next(each for each in await open_differences(uow) if each.correction)

    async def resolve(number):
        command = ResolveDifference(
            difference_id=difference.id, reason=f"the {number}.", dismiss=number % 2 == 0
        )
        return await resolve_difference(command, uow=uow, clock=system_clock)

    answers = await asyncio.gather(*map(resolve, range(8)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, DifferenceResolved)]
    (answer,) = {answer for answer in answers if not isinstance(answer, Exception)}
    assert len(refused) == 4
    booked = await payments.rows(CORRECTIONS)
    assert [row.cause_id for row in booked] == (
        [difference.id] if answer.state is DifferenceState.CORRECTED else []
    )


async def test_another_row_in_the_same_place_is_refused(uow, reported):
    other = ImportSettlementRows(
        account=MAIN, report_id="small", offset=0, rows=[reported.rows[0], reported.rows[2]]
    )

    with pytest.raises(RowMismatch, match="place 1"):
        await import_settlement_rows(other, uow=uow, accounts=Accounts())


@pytest.mark.parametrize("table", ["reports", "rows", "differences", "windows"])
async def test_the_service_forgets_nothing_of_it(payments, table):
    with pytest.raises(DBAPIError, match="permission denied"):
        async with payments.database.begin() as tx:
            await tx.run(text(f"DELETE FROM settlement_{table}"))
