"""A history of orders: months that lie back, as tables of an age that no test can wait for."""

import asyncio
from datetime import UTC, date, datetime

from alembic import command
from alembic.config import Config
from asyncpg.pgproto.pgproto import UUID

from chassis.storage.months import months_before
from deploy.local.provision import provision_database

NOW = datetime.now(UTC)
TODAY = NOW.date()

TABLES = ("orders", "order_lines", "order_shipments", "order_timeline")
KEYS = ("id", "order_id", "order_id", "order_id")

ORDER = """
INSERT INTO orders (id, version, event_count, trace, account_id, channel, status, payment_status,
    fulfillment_status, reason, reference, currency, items_total, shipping, discount, grand_total,
    psp_token, ship_to, allocations, unfulfillable, news_count, created_at, updated_at)
VALUES ($1, 1, 1, '', $3, 'BUSINESS', $2, 'NONE', 'UNFULFILLED', '', '', 'EUR', 100, 0, 0, 100,
    'tok', $4, '[]', '[]', 0, now(), now())
"""


def month(ahead: int) -> str:
    """
    Return the month so many months ahead, such as 202611.
    """
    return f"{months_before(TODAY, -ahead):%Y%m}"


def middle_of(ahead: int) -> datetime:
    """
    Return a moment in the month so many months ahead.
    """
    first = months_before(TODAY, -ahead)
    return datetime(first.year, first.month, 15, tzinfo=UTC)


async def migrated_to(server, version, name):
    """
    Bring the order database called *name* to *version*, and return where it is.
    """
    urls = await provision_database(server.admin_url, name)
    config = Config()
    config.set_main_option("script_location", "services/order/migrations")
    config.attributes["url"] = urls.owner
    await asyncio.to_thread(command.upgrade, config, version)
    return urls


def id_of(moment: datetime, number: int = 0) -> UUID:
    """
    Return a UUIDv7 made at *moment*.
    """
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(f"{milliseconds:012x}70008{number:015x}")


ADDRESS = '{"name": "Ada", "lines": [], "city": "", "postal_code": "", "country_code": "GB"}'


async def put_order(connection, order_id, *, status="PENDING", account="shop-1"):
    await connection.execute(ORDER, order_id, status, account, ADDRESS)


async def divide(owner, months):
    """
    Cut the first month, which must be empty, into *months* (such as 202605), oldest first, and the
    rest.
    """
    present = f"{datetime.now(UTC):%Y%m}"
    ends = [*months, present]
    async with owner.transaction():
        for table, key in zip(TABLES, KEYS, strict=True):
            await owner.execute(f"DROP TABLE {table}_{present}")
            lower = "MINVALUE"
            for month in ends:
                bound = months_before(date(int(month[:4]), int(month[4:]), 1), -1)
                upper = await owner.fetchval("SELECT first_id_of($1::date::timestamp)::text", bound)
                await owner.execute(
                    f"CREATE TABLE {table}_{month} PARTITION OF {table}"
                    f" FOR VALUES FROM ({lower}) TO ('{upper}')"
                    + (" WITH (fillfactor = 60)" if key == "id" else "")
                )
                lower = f"'{upper}'"
