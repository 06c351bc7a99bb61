"""What an order costs with few orders in the tables, and with many."""

from asyncio import TaskGroup
from collections.abc import Mapping
from contextlib import AsyncExitStack

import asyncpg

from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url
from deploy.local.order_bench.journeys import Journeys, Load, measure_journeys, median_journeys
from deploy.local.order_bench.samples import KEPT, insert_like, read_samples
from deploy.local.order_bench.shop import Shop, open_shop, own_cluster
from deploy.local.progress import Tell

# For each order in the larger tables, how many are in the smaller ones.
A_FEW = 100
MONTHS = 24
ACCOUNTS = 20_000
CHUNK = 10_000
WRITERS = 2
WARM_ORDERS = 200

# So many orders, spread evenly over the months until now: their ids say when they were placed.
_PAST_ORDERS = """
SELECT uuidv7(at - now()) AS id, at, 'account-' || n % {accounts} AS account
FROM (
    SELECT n, now() - (n + random()) / {orders} * interval '{months} months' AS at
    FROM generate_series({first}::bigint, {last}::bigint) AS n
) AS days
"""


# The first month, which holds all that is older and is empty yet, cut into the months themselves.
_CUT = """
DO $$
DECLARE
    names text[] := ARRAY['orders', 'order_lines', 'order_shipments', 'order_timeline'];
    present timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    name text;
    lower text;
    month timestamp;
BEGIN
    FOREACH name IN ARRAY names LOOP
        EXECUTE format('DROP TABLE %I', name || to_char(present, '_YYYYMM'));
        lower := 'MINVALUE';
        FOR month IN
            SELECT generate_series(present - interval '{months} months', present, '1 month')
        LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%L)%s',
                name || to_char(month, '_YYYYMM'), name, lower,
                first_id_of(month + interval '1 month'),
                CASE name WHEN 'orders' THEN ' WITH (fillfactor = 60)' ELSE '' END);
            lower := quote_literal(first_id_of(month + interval '1 month'));
        END LOOP;
    END LOOP;
END
$$
"""


async def measure_kept(
    kept: int, load: Load, *, orders: int, rounds: int, tell: Tell
) -> Mapping[str, Journeys]:
    """
    Measure journeys under *load*, in turns: with *kept* orders in the tables of one cluster, and
    with a hundredth of it in those of another one.
    """
    results: dict[int, list[Journeys]] = {kept // A_FEW: [], kept: []}
    async with AsyncExitStack() as stack:
        shops: dict[int, Shop] = {}
        for count in results:
            cluster = await stack.enter_async_context(own_cluster())
            await cut_months(cluster)
            shops[count] = shop = await stack.enter_async_context(open_shop(cluster))
            await measure_journeys(shop, load, WARM_ORDERS, lambda _done, _more: None)
            await keep_orders(cluster, count, tell)
        for _ in range(rounds):
            for count, shop in shops.items():

                def tell_which(done: int, more: str, count: int = count) -> None:
                    tell(done, f"{more}, {count:,} kept")

                results[count].append(await measure_journeys(shop, load, orders, tell_which))
    return {f"{count:,}": median_journeys(each) for count, each in results.items()}


async def cut_months(cluster: Cluster) -> None:
    """
    Make the past months of a new cluster, as a shop of that age has them.
    """
    owner = await asyncpg.connect(asyncpg_url(cluster.databases["order"].owner))
    try:
        await owner.execute(_CUT.format(months=MONTHS))
    finally:
        await owner.close()


async def keep_orders(cluster: Cluster, count: int, tell: Tell) -> None:
    """
    Fill the tables of orders with *count* that were completed in the past months.
    """
    url = asyncpg_url(cluster.databases["order"].admin)
    chunks = iter(range(0, count, CHUNK))
    connections = [await asyncpg.connect(url) for _ in range(WRITERS)]
    samples = await read_samples(connections[0], KEPT, status="COMPLETED")
    done = 0

    async def fill(connection: asyncpg.Connection) -> None:
        nonlocal done
        for first in chunks:
            last = min(first + CHUNK, count) - 1
            given = _PAST_ORDERS.format(
                accounts=ACCOUNTS, orders=count, months=MONTHS, first=first, last=last
            )
            await connection.execute(insert_like(samples, given))
            done += last + 1 - first
            tell(0, f"{done:,} of {count:,} past orders")

    try:
        async with TaskGroup() as tasks:
            for connection in connections:
                tasks.create_task(fill(connection))
        # What this leaves behind is done now, not while something is measured.
        await connections[0].execute("VACUUM ANALYZE")
        await connections[0].execute("CHECKPOINT")
    finally:
        for connection in connections:
            await connection.close()
