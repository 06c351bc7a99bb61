"""Databases of payment with nothing but books in them."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from deploy.local.databases import ServiceDatabase, asyncpg_url
from deploy.local.postgres import postgres
from deploy.local.processes import run_to_end
from deploy.local.progress import Tell
from deploy.local.provision import provision_database

WRITERS = 2
BATCH = 1_000
# At least, so that there is a time in the middle of them.
BOOKINGS = 20
# Of a capture without shipping.
LINES = 4

# Captures of ten euros each, in one booking, by the function that books whatever is booked.
BOOK = f"""
SELECT book_entries(
    array_agg(uuidv7()), array_agg('CAPTURE'::text), array_agg('main'::text),
    array_agg(gen_random_uuid()), array_agg(gen_random_uuid()), array_agg(now()),
    (SELECT array_agg((line - 1) / {LINES} + 1)
        FROM generate_series(1, {LINES} * {{count}}) AS line),
    (SELECT array_agg((ARRAY['customer_receivable', 'sales', 'psp_clearing',
        'customer_receivable'])[(line - 1) % {LINES} + 1])
        FROM generate_series(1, {LINES} * {{count}}) AS line),
    array_fill('EUR'::text, ARRAY[{LINES} * {{count}}]),
    (SELECT array_agg((ARRAY[1000, -1000, 1000, -1000])[(line - 1) % {LINES} + 1])
        FROM generate_series(1, {LINES} * {{count}}) AS line)
)
FROM generate_series(1, {{count}})
"""

# The tables without what keeps them right: the same rows, nothing checked and nothing reckoned.
BARE_TABLES = """
CREATE TABLE bare_entries (LIKE ledger_entries INCLUDING ALL);
CREATE TABLE bare_postings (LIKE ledger_postings INCLUDING ALL);
"""
BARE_ROWS = """
WITH entry AS (
    INSERT INTO bare_entries (id, occurred_at, kind, payment_id, cause_id, merchant)
    SELECT uuidv7(), now(), 'CAPTURE', gen_random_uuid(), gen_random_uuid(), 'main'
    FROM generate_series(1, {count}) RETURNING id
)
INSERT INTO bare_postings
    (entry_id, line, merchant, account, currency, shard, booked_at, amount, balance)
SELECT id, row_number() OVER (), 'main', account, 'EUR', pg_backend_pid() % 16, now(), amount, 0
FROM entry, (VALUES ('customer_receivable', 1000), ('sales', -1000), ('psp_clearing', 1000),
    ('customer_receivable', -1000)) AS lines (account, amount)
"""


@asynccontextmanager
async def empty_books() -> AsyncGenerator[ServiceDatabase]:
    """
    Run a server, with the settings of the local cluster, and give the migrated database of payment
    on it.
    """
    with TemporaryDirectory(prefix="waybill-books-") as directory:
        async with postgres(Path(directory)) as server:
            database = await provision_database(server.admin_url, "payment")
            await run_to_end(
                (sys.executable, "-m", "chassis.storage.migrations", "services.payment"),
                env=os.environ | {"MIGRATION_DATABASE_URL": database.owner},
            )
            yield database


async def fill(database: ServiceDatabase, entries: int, tell: Tell) -> None:
    """
    Book so many *entries*, as the service does it, in batches.
    """
    batch = max(min(BATCH, entries // BOOKINGS), 1)
    batches = iter(range(0, entries, batch))
    done = 0

    async def book() -> None:
        nonlocal done
        connection = await asyncpg.connect(asyncpg_url(database.app))
        for first in batches:
            count = min(batch, entries - first)
            await connection.execute(BOOK.format(count=count))
            done += count
            tell(0, f"{done:,} of {entries:,} entries booked")
        await connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(WRITERS):
            tasks.create_task(book())
    connection = await asyncpg.connect(asyncpg_url(database.admin))
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
