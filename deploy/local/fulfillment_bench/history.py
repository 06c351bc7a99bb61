"""What each stage costs with little in the tables of fulfillment, and with years of it."""

from asyncio import TaskGroup
from collections.abc import Mapping
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg

from deploy.local.cluster import Cluster
from deploy.local.databases import asyncpg_url
from deploy.local.fulfillment_bench.lives import (
    RETURN_ROWS,
    SINGLE,
    WORK_ROWS,
    Done,
    Fulfillment,
    Load,
    middle_of,
    opened,
)
from deploy.local.fulfillment_bench.work import open_work
from deploy.local.order_bench.samples import insert_like, samples_of
from deploy.local.order_bench.shop import own_cluster
from deploy.local.progress import Tell

# For each one in the larger tables, how many are in the smaller ones.
A_FEW = 200
MONTHS = 24
ACCOUNTS = 20_000
CHUNK = 5_000
WRITERS = 2

# So many, spread evenly over the months until now: their ids say when they were made.
_PAST = """
SELECT uuidv7(at - now()) AS id, at, 'account-' || n % {accounts} AS account
FROM (
    SELECT n, now() - (n + random()) / {count} * interval '{months} months' AS at
    FROM generate_series({first}::bigint, {last}::bigint) AS n
) AS days
"""


async def measure_history(
    kept: int, load: Load, *, pieces: int, rounds: int, tell: Tell
) -> Mapping[str, Mapping[str, Done]]:
    """
    Bring work through all stages, in turns: with *kept* pieces of finished work, and as many
    returns, in the tables of one cluster, and with a two-hundredth of it in those of another one.
    """
    results: dict[int, list[Mapping[str, Done]]] = {kept // A_FEW: [], kept: []}
    async with AsyncExitStack() as stack:
        services: dict[int, Fulfillment] = {}
        for count in results:
            cluster = await stack.enter_async_context(own_cluster(roles="api"))
            services[count] = await stack.enter_async_context(opened(cluster))
            await keep(services[count], count, tell)
        for number in range(rounds):
            for count, fulfillment in services.items():
                tell(number, f"{load}, {count:,} kept")
                work = await open_work(fulfillment.cluster, pieces)
                results[count].append(await fulfillment.go_through(work, load))
    return {f"{count:,}": middle_of(each) for count, each in results.items()}


async def keep(fulfillment: Fulfillment, count: int, tell: Tell) -> None:
    """
    Fill the tables with *count* pieces of work that are done, and as many returns.
    """
    (piece,) = await open_work(fulfillment.cluster, 1)
    await fulfillment.go_through([piece], SINGLE)
    for what, tables, id_ in (
        ("past work", WORK_ROWS, piece.id),
        ("past returns", RETURN_ROWS, piece.return_id),
    ):
        await _fill(fulfillment.cluster, tables, UUID(id_), what=what, count=count, tell=tell)


async def _fill(
    cluster: Cluster, tables: Mapping[str, str], id_: UUID, *, what: str, count: int, tell: Tell
) -> None:
    url = asyncpg_url(cluster.databases["fulfillment"].admin)
    chunks = iter(range(0, count, CHUNK))
    connections = [await asyncpg.connect(url) for _ in range(WRITERS)]
    samples = await samples_of(connections[0], tables, id_)
    done = 0

    async def write(connection: asyncpg.Connection) -> None:
        nonlocal done
        for first in chunks:
            last = min(first + CHUNK, count) - 1
            given = _PAST.format(
                accounts=ACCOUNTS, count=count, months=MONTHS, first=first, last=last
            )
            await connection.execute(insert_like(samples, given))
            done += last + 1 - first
            tell(0, f"{done:,} of {count:,} {what}")

    try:
        async with TaskGroup() as tasks:
            for connection in connections:
                tasks.create_task(write(connection))
        # What this leaves behind is done now, not while something is measured.
        await connections[0].execute("VACUUM ANALYZE")
        await connections[0].execute("CHECKPOINT")
    finally:
        for connection in connections:
            await connection.close()
