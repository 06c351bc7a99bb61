"""What was booked before the books knew merchants and moments is in them as it was."""

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from chassis.kernel.clock import system_clock
from chassis.storage.database import connect
from chassis.wake import Wake
from deploy.local.databases import asyncpg_url
from deploy.local.topology import ROOT
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.ledger.get_account_statement import (
    GetAccountStatement,
    get_account_statement,
)
from services.payment.application.ledger.get_trial_balance import (
    GetTrialBalance,
    get_trial_balance,
)
from services.payment.domain.ledger import Account
from services.payment.domain.statement import LedgerAccount
from services.payment.domain.values import MAIN_MERCHANT
from tests.integration.payment.books import BEGINNING

# Three captures, two of them at one moment.
BOOKED = """
INSERT INTO ledger_entries (id, occurred_at, kind, payment_id, transaction_id)
SELECT id, '2026-02-02 10:00:00'::timestamptz + minutes * interval '1 minute', 'CAPTURE', id, id
FROM (VALUES ($1::uuid, 0), ($2::uuid, 0), ($3::uuid, 1)) AS given (id, minutes);
"""
POSTED = """
INSERT INTO ledger_postings (entry_id, line, account, currency, amount)
SELECT id, line, account, 'EUR', way * amount
FROM (VALUES ($1::uuid, 1), ($2::uuid, 20), ($3::uuid, 300)) AS given (id, amount),
    (VALUES (1, 'psp_clearing', 1), (2, 'sales', -1)) AS lines (line, account, way)
"""
ENTRIES = [UUID(int=number) for number in (1, 2, 3)]


async def upgrade(url, revision):
    config = Config()
    config.set_main_option("script_location", str(Path(ROOT) / "services/payment/migrations"))
    config.attributes["url"] = url
    await asyncio.to_thread(command.upgrade, config, revision)


@pytest.fixture
async def old_books(postgres_server):
    """
    The database of a payment service that was last brought up to date before.
    """
    server = await asyncpg.connect(asyncpg_url(postgres_server.admin_url))
    await server.execute("CREATE DATABASE old_books")
    url = postgres_server.admin_url.rpartition("/")[0] + "/old_books"
    url = url.replace("postgresql://", "postgresql+asyncpg://")
    await upgrade(url, "0004")
    inside = await asyncpg.connect(asyncpg_url(url))
    async with inside.transaction():
        await inside.execute(BOOKED, *ENTRIES)
        await inside.execute(POSTED, *ENTRIES)
    await inside.close()
    yield url
    await server.execute("DROP DATABASE old_books WITH (FORCE)")
    await server.close()


async def test_what_is_in_the_books_stays_there(old_books):
    await upgrade(old_books, "0005")

    database = connect(old_books, application="tests")
    uow = sql_unit_of_work(database, told=Wake(), clock=system_clock)
    of = LedgerAccount(merchant=MAIN_MERCHANT, account=Account.PSP_CLEARING, currency="EUR")
    trial = await get_trial_balance(GetTrialBalance(merchant=MAIN_MERCHANT), uow=uow)
    statement = await get_account_statement(
        GetAccountStatement(of=of, after=BEGINNING, until=None, page_size=100), uow=uow
    )
    await database.close()

    assert [(each.account, each.amount.minor_units) for each in trial.balances] == [
        ("psp_clearing", 321),
        ("sales", -321),
    ]
    assert [line.balance.minor_units for line in statement.lines] == [1, 21, 321]
    assert [line.posting.entry_id for line in statement.lines] == ENTRIES
    moments = [line.posting.place.booked_at for line in statement.lines]
    assert moments == sorted(set(moments))
