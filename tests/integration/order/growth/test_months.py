"""The tables of months: made ahead, put away when they are old."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.storage.months import Months
from deploy.local.databases import asyncpg_url
from tests.integration.order.growth.history import (
    NOW,
    TABLES,
    divide,
    id_of,
    middle_of,
    migrated_to,
    month,
    put_order,
)


async def months_of(owner, table="orders", schema="public"):
    rows = await owner.fetch(
        "SELECT right(relname, 6) AS month FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = $1::text::regnamespace"
        " AND relname SIMILAR TO $2 ORDER BY 1",
        schema,
        f"{table}\\_[0-9]{{6}}",
    )
    return [row["month"] for row in rows]


async def test_this_month_and_the_next_three_have_their_tables(database, owner):
    for _ in range(2):
        await Months(database, kept_months=0).open()

    for table in TABLES:
        assert await months_of(owner, table) == [month(n) for n in range(4)]


async def test_a_service_that_was_off_makes_the_months_it_missed_and_no_older_ones(database, owner):
    ahead = Months(database, kept_months=0, clock=lambda: NOW + timedelta(days=80))

    await asyncio.gather(ahead.open(), ahead.open())

    made = await months_of(owner)
    assert made[0] == month(0)
    assert made[-1] >= month(5)
    assert len(made) == len(set(made)) >= 6


async def test_a_clock_that_is_far_ahead_stops_the_service(database):
    months = Months(database, kept_months=0, clock=lambda: NOW + timedelta(days=200))

    with pytest.raises(DBAPIError, match="is a clock wrong"):
        await months.get_ready()


async def test_an_order_that_fits_no_month_is_an_error(owner):
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await put_order(owner, id_of(NOW + timedelta(days=200)))


async def test_old_months_are_put_away_as_a_whole_and_stay_for_the_operator(database, owner):
    await divide(owner, [month(-4), month(-3), month(-2), month(-1)])
    old, young = id_of(middle_of(-4)), id_of(NOW)
    for order_id in (old, young):
        await put_order(owner, order_id, status="COMPLETED")

    archived = await Months(database, kept_months=2).archive()

    assert archived == [month(-4), month(-3)]
    for table in TABLES:
        assert await months_of(owner, table, "archive") == archived
        assert (await months_of(owner, table))[0] == month(-2)
    assert [row["id"] for row in await owner.fetch("SELECT id FROM orders")] == [young]
    kept = await owner.fetch(f"SELECT id FROM archive.orders_{month(-4)}")
    assert [row["id"] for row in kept] == [old]


async def test_a_month_that_was_put_away_is_not_made_again(database, owner):
    await divide(owner, [month(-2), month(-1)])
    months = Months(database, kept_months=1)
    await months.archive()

    await Months(
        database, kept_months=1, clock=lambda: datetime.now(UTC) - timedelta(days=60)
    ).open()

    assert (await months_of(owner))[0] == month(-1)


async def test_a_month_with_an_open_order_stays_and_so_does_every_younger_one(database, owner):
    await divide(owner, [month(-5), month(-4), month(-3), month(-2), month(-1)])
    await put_order(owner, id_of(middle_of(-4)), status="PLACED")

    archived = await Months(database, kept_months=2).archive()

    assert archived == [month(-5)]
    assert month(-4) in await months_of(owner)
    await owner.execute("UPDATE orders SET status = 'CANCELLED'")
    assert await Months(database, kept_months=2).archive() == [month(-4), month(-3)]


async def test_what_is_kept_begins_with_the_oldest_month_that_was_not_put_away(database, owner):
    await divide(owner, [month(-2), month(-1)])
    first_kept = "SELECT first_kept_id()"
    assert (await owner.fetchval(first_kept)).int == 0

    await Months(database, kept_months=1).archive()

    begins = await owner.fetchval(first_kept)
    assert id_of(middle_of(-2)) < begins < id_of(middle_of(-1))


async def test_a_month_that_was_put_away_can_be_taken_back(database, owner):
    await divide(owner, [month(-2), month(-1)])
    order_id = id_of(middle_of(-2))
    await put_order(owner, order_id, status="COMPLETED")
    assert await Months(database, kept_months=1).archive() == [month(-2)]
    lower, upper = (f"first_id_of('{middle_of(n):%Y-%m}-01')" for n in (-2, -1))

    # As the how-to says.
    async with owner.transaction():
        for table in TABLES:
            await owner.execute(f"ALTER TABLE archive.{table}_{month(-2)} SET SCHEMA public")
            await owner.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {table}_{month(-2)}"
                f" FOR VALUES FROM ({lower}) TO ({upper})"
            )

    assert await owner.fetchval("SELECT id FROM orders") == order_id
    assert (await owner.fetchval("SELECT first_kept_id()")) < id_of(middle_of(-2))


async def test_nothing_is_put_away_unless_it_was_asked_for(database, owner):
    await divide(owner, [month(-2), month(-1)])

    assert await Months(database, kept_months=0).archive() == []


async def test_the_present_month_stays_whatever_the_clock_of_the_service_says(database, owner):
    later = Months(database, kept_months=1, clock=lambda: NOW + timedelta(days=400))

    assert await later.archive() == []
    assert month(0) in await months_of(owner)


async def test_who_reads_is_not_kept_waiting_by_who_puts_away(database, owner, urls):
    await divide(owner, [month(-2), month(-1)])
    reader = await asyncpg.connect(asyncpg_url(urls.app))
    try:
        async with reader.transaction():
            await reader.fetch("SELECT id FROM orders")
            with pytest.raises(DBAPIError, match="lock timeout"):
                await Months(database, kept_months=1).archive()
    finally:
        await reader.close()

    assert await Months(database, kept_months=1).archive() == [month(-2)]


async def test_the_service_itself_can_neither_change_nor_read_what_was_put_away(urls):
    service = await asyncpg.connect(asyncpg_url(urls.app))
    try:
        for statement in (
            f"DROP TABLE orders_{month(0)}",
            f"ALTER TABLE orders DETACH PARTITION orders_{month(0)}",
            f"CREATE TABLE archive.orders_{month(-1)} ()",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(statement)
    finally:
        await service.close()


async def test_orders_that_were_there_before_become_the_first_month(postgres_server):
    urls = await migrated_to(postgres_server, "0002", "order_before_months")
    owner = await asyncpg.connect(asyncpg_url(urls.owner))
    try:
        ids = [UUID(int=7), id_of(NOW - timedelta(days=900)), id_of(NOW)]
        for order_id in ids:
            await put_order(owner, order_id)
        file = await owner.fetchval("SELECT pg_relation_filenode('orders')")

        await migrated_to(postgres_server, "head", "order_before_months")

        first = f"orders_{month(0)}"
        assert await owner.fetchval("SELECT count(*) FROM orders") == len(ids)
        assert await owner.fetchval(f"SELECT count(*) FROM {first}") == len(ids)
        assert await owner.fetchval(f"SELECT pg_relation_filenode('{first}')") == file
        await put_order(owner, id_of(NOW + timedelta(days=35)))
        assert await owner.fetchval(f"SELECT count(*) FROM {first}") == len(ids)
    finally:
        await owner.close()


async def test_every_month_is_stored_with_room_for_changes(database):
    async with database.begin() as tx:
        rows = await tx.rows(
            text(
                "SELECT reloptions FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
                " WHERE inhparent = 'orders'::regclass"
            )
        )

    assert {tuple(row.reloptions) for row in rows} == {("fillfactor=60",)}
