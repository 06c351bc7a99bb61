"""Products to read, and how often the database was asked for them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from deploy.local.databases import asyncpg_url
from deploy.local.product_bench.world import World

_FILL = """
WITH made AS (
    INSERT INTO products (id, version, event_count, trace, title, description, state, created_at)
    SELECT uuidv7(), 1, 1, '', 'Desk lamp ' || n, repeat('Brass. ', 30), 'ACTIVE', now()
    FROM generate_series(1, $1::int) AS n RETURNING id
), sold AS (
    INSERT INTO variants (sku, product_id, position, price_minor_units, price_currency, gtin,
        weight_grams, attributes)
    SELECT upper(id::text) || '-' || n, id, n, 1999, 'GBP', '', 400, '{"colour": "brass"}'
    FROM made, generate_series(0, 2) AS n
)
SELECT id FROM made
"""
# What the service itself asked for; the bare SELECT reads `FROM ONLY`.
_STATEMENTS = """
SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
WHERE query ~ 'FROM (products|variants)'
"""


async def make_products(servers: World, count: int) -> Sequence[UUID]:
    """
    Add so many products of three variants each, behind the service's back; return their ids.
    """
    connection = await asyncpg.connect(asyncpg_url(servers.database.admin))
    try:
        rows = await connection.fetch(_FILL, count)
        await connection.execute("ANALYZE products, variants")
    finally:
        await connection.close()
    return [row["id"] for row in rows]


async def statements_on_products(servers: World) -> int:
    """
    Return how many statements on products the service has sent so far.
    """
    connection = await asyncpg.connect(asyncpg_url(servers.database.admin))
    try:
        count: int = await connection.fetchval(_STATEMENTS)
    finally:
        await connection.close()
    return count
