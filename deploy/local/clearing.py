"""What waits in the clearing accounts of each merchant."""

from typing import Any

import asyncpg

from chassis.kernel.money import Money
from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url

# The last posting to each shard of an account says what it holds.
_CLEARING = """
    SELECT merchant, currency, sum(balance)::bigint AS balance
    FROM ledger_accounts AS kept, LATERAL (
        SELECT balance FROM ledger_postings AS posted
        WHERE (posted.merchant, posted.account, posted.currency, posted.shard)
            = (kept.merchant, kept.account, kept.currency, kept.shard)
        ORDER BY booked_at DESC, line DESC LIMIT 1
    ) AS last
    WHERE account = 'psp_clearing' GROUP BY merchant, currency
    HAVING sum(balance) <> 0 ORDER BY merchant, currency
"""


async def clearing_of(cluster: Cluster) -> list[dict[str, Any]]:
    """
    Return what waits in clearing, by merchant and currency, where that is not nothing.
    """
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["payment"].app))
    try:
        rows = await connection.fetch(_CLEARING)
    finally:
        await connection.close()
    return [
        {"merchant": row["merchant"], "balance": str(Money(row["balance"], row["currency"]))}
        for row in rows
    ]
