"""The history of a cluster is told anew, as a user does it."""

import json

import asyncpg

from deploy.local.databases import asyncpg_url
from deploy.local.invariants.history import INVARIANTS
from deploy.local.verify import verify


async def test_what_was_lost_or_wrong_is_right_again(cluster, local):
    code, output = await local("demo")
    assert code == 0, output
    await verify(cluster, wait_seconds=10)
    connection = await asyncpg.connect(asyncpg_url(cluster.databases["order"].admin))
    # More than there are orders: of what others have paid, it tells as well.
    told = await connection.fetchval("SELECT count(*) FROM order_history")
    await connection.execute("UPDATE order_history SET status = 'PENDING'")
    await connection.execute(
        "DELETE FROM order_history WHERE order_id IN"
        " (SELECT order_id FROM order_history ORDER BY order_id LIMIT 3)"
    )
    # Long enough ago for all that is said of them to be compared.
    await connection.execute("UPDATE orders SET updated_at = updated_at - interval '1 hour'")
    orders = await connection.fetchval("SELECT count(*) FROM orders")
    await connection.close()
    broken = await verify(cluster, wait_seconds=1, invariants=INVARIANTS)

    code, output = await local("rebuild-history", "--json")

    assert broken.violated == ["history-agrees"]
    assert code == 0
    summary = json.loads(output)
    assert (summary["orders"], summary["missing"], summary["wrong"]) == (told, 3, orders - 3)
    assert (await verify(cluster, wait_seconds=5, invariants=INVARIANTS)).violated == []
