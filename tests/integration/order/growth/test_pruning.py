"""Whoever knows an id looks into its month, and into no other, whichever way plans are made."""

import re
from collections import Counter

import asyncpg
import pytest
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.saga.store import Bells
from chassis.storage.bulk import _update, rows_of, rows_wanted
from chassis.storage.database import connect
from chassis.wake import Wake
from deploy.local.databases import asyncpg_url
from services.order.adapters import tables
from services.order.adapters.unit_of_work import SqlTransaction, join_with
from services.order.domain.values import AccountId, OrderId
from tests.integration.order.growth.history import (
    NOW,
    divide,
    id_of,
    middle_of,
    migrated_to,
    month,
    put_order,
)
from tests.integration.order.test_orders import an_order

# Often enough that a plan for all values would be taken if it seemed cheaper.
OFTEN = 8
BACK = 24

OLD = AccountId("old-friend")
# One a month.
ORDERS = {month(-n): id_of(middle_of(-n) if n else NOW) for n in range(BACK + 1)}

READ = text(
    """
    SELECT relname, coalesce(idx_scan, 0) + seq_scan AS scans FROM pg_stat_xact_user_tables
    WHERE relname SIMILAR TO :tables AND coalesce(idx_scan, 0) + seq_scan > 0
    """
)


class Reads:
    """
    Transactions that tell which months were looked into.
    """

    def __init__(self, database, mode):
        self._database = database
        self._mode = mode
        self._join = join_with(told=Wake(), due=Bells(), clock=system_clock)

    async def of(self, work, *, tables="order(s|_lines|_shipments|_timeline)"):
        """
        Return the months that *work* looks into when it is done again and again.
        """
        for _ in range(OFTEN):
            async with self._database.begin() as tx:
                await tx.run(text(f"SET LOCAL plan_cache_mode = {self._mode}"))
                # What the server has not added to its statistics yet is counted, too.
                before = await scans(tx, tables)
                await work(self._join(tx), tx)
                after = await scans(tx, tables)
        return {name for name, count in after.items() if count > before.get(name, 0)}


async def scans(tx, tables):
    rows = await tx.rows(READ, {"tables": f"{tables}\\_[0-9]{{6}}"})
    counted = Counter()
    for row in rows:
        counted[row.relname[-6:]] += row.scans
    return counted


@pytest.fixture(scope="module")
async def database(postgres_server):
    urls = await migrated_to(postgres_server, "head", "order_with_a_history")
    owner = await asyncpg.connect(asyncpg_url(urls.owner))
    await divide(owner, [month(-n) for n in range(BACK, 0, -1)])
    for order_id in ORDERS.values():
        await put_order(owner, order_id, account=OLD)
    await owner.execute("ANALYZE")
    await owner.close()
    database = connect(urls.app, application="pruning")
    yield database
    await database.close()


@pytest.fixture(params=["auto", "force_generic_plan"])
def reads(database, request):
    return Reads(database, request.param)


async def test_orders_are_found_in_their_months(reads):
    wanted = [month(-1), month(-5), month(-20)]

    async def find(tx: SqlTransaction, _):
        assert len(await tx.orders.find([ORDERS[name] for name in wanted])) == len(wanted)

    assert await reads.of(find) == set(wanted)


async def test_an_array_alone_would_look_into_every_month(database):
    by_array = text("SELECT id FROM orders WHERE id = ANY(CAST(:ids AS uuid[]))")

    async def find(_, tx):
        assert len(await tx.rows(by_array, {"ids": [ORDERS[month(-5)]]})) == 1

    assert len(await Reads(database, "force_generic_plan").of(find)) > BACK


async def test_an_order_is_saved_in_its_month(reads):
    async def save(tx: SqlTransaction, raw):
        found = await tx.orders.find([ORDERS[month(0)], ORDERS[month(-1)]])
        for order in found.values():
            order.wait_longer("something", NOW)
        await tx.orders.save([*found.values()])
        await tx.orders._write()
        await raw.flush()

    assert await reads.of(save, tables="orders") == {month(0), month(-1)}


async def test_a_new_order_is_put_into_its_month_without_looking_into_others(reads):
    async def place(tx: SqlTransaction, raw):
        await tx.orders.save([an_order()])
        await tx.orders._write()
        await raw.flush()

    assert await reads.of(place) <= {month(0)}


async def test_a_timeline_is_read_in_its_month(reads):
    async def read(tx: SqlTransaction, _):
        await tx.orders.timeline(ORDERS[month(-7)])

    assert await reads.of(read) <= {month(-7)}


async def test_a_page_begins_with_the_newest_month_and_stops_when_it_is_full(reads):
    async def look(tx: SqlTransaction, _):
        page = await tx.orders.page(OLD, before=None, statuses=[], limit=3)
        assert [order.id for order in page] == [ORDERS[month(-n)] for n in range(3)]

    looked_into = await reads.of(look, tables="orders")

    assert month(-2) in looked_into
    assert min(looked_into) == month(-2)


async def test_a_later_page_leaves_out_the_months_before_it(reads):
    before = OrderId(ORDERS[month(-10)])

    async def look(tx: SqlTransaction, _):
        page = await tx.orders.page(OLD, before=before, statuses=[], limit=2)
        assert [order.id for order in page] == [ORDERS[month(-11)], ORDERS[month(-12)]]

    looked_into = await reads.of(look, tables="orders")

    assert looked_into <= {month(-10), month(-11), month(-12)}


@pytest.fixture
async def explain(database):
    """
    Return the plan for all values, as it is for some.
    """

    async def plan(sql, types, values):
        for number, name in enumerate(types, start=1):
            sql = re.sub(rf":{name}\b", f"${number}", sql)
        given = ", ".join(f"'{value}'" for value in values)
        async with database.begin() as tx:
            await tx.run(text("SET LOCAL plan_cache_mode = force_generic_plan"))
            raw = (await tx.connection.get_raw_connection()).driver_connection
            await raw.execute(f"PREPARE wanted ({', '.join(types.values())}) AS {sql}")
            try:
                rows = await raw.fetch(f"EXPLAIN (COSTS OFF) EXECUTE wanted ({given})")
            finally:
                await raw.execute("DEALLOCATE wanted")
        return "\n".join(row[0] for row in rows)

    return plan


BY_ID = {"ids": "uuid[]", "lowest": "uuid", "highest": "uuid"}


@pytest.mark.parametrize("table", [tables.orders, tables.order_lines, tables.order_shipments])
async def test_months_beyond_the_bounds_are_left_out_before_a_statement_begins(explain, table):
    wanted = rows_wanted([ORDERS[month(-6)], ORDERS[month(-5)]])
    values = ["{" + ",".join(map(str, wanted["ids"])) + "}", wanted["lowest"], wanted["highest"]]

    plan = await explain(rows_of(table, order="1").text, BY_ID, values)

    assert set(re.findall(rf" on {table.name}_(\d{{6}})", plan)) == {month(-6), month(-5)}
    assert "Subplans Removed" in plan


async def test_an_update_prepares_only_the_months_it_writes_to(explain):
    sql = _update(tables.orders, ("id", "version"), (), ("id",), "version")
    types = {"id": "uuid[]", "version": "int[]", "lowest": "uuid", "highest": "uuid"}
    order_id = ORDERS[month(-6)]

    plan = await explain(sql, types, [f"{{{order_id}}}", "{2}", order_id, order_id])

    assert set(re.findall(r" on orders_(\d{6})", plan)) == {month(-6)}
