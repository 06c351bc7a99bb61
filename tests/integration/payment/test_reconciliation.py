"""A hostile report on real PostgreSQL: every lie is found, and nothing else."""

import asyncio
import pickle
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import text

from services.payment.adapters.settlement.unit_of_work import sql_reconciliation
from services.payment.application.reconciliation.get_settlement_report import get_settlement_report
from services.payment.application.reconciliation.list_differences import (
    ListDifferences,
    list_differences,
)
from services.payment.application.reconciliation.ports import DifferenceFilter
from services.payment.application.reconciliation.resolve_difference import (
    ResolveDifference,
    resolve_difference,
)
from services.payment.domain.settlement.differences import DifferenceState
from tests.settlements import MAIN, Liar, finding_of, honest, lie, make

PAYMENTS = 5_500
AT_ONCE = 500
LIES = 200
OPEN = DifferenceFilter(report=None, kind=None, state=DifferenceState.OPEN)
NOT_NOTHING = text(
    """
    SELECT merchant, currency, sum(amount) FROM ledger_postings WHERE account = 'psp_clearing'
    GROUP BY merchant, currency HAVING sum(amount) <> 0
    """
)
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
