"""Rows in bulk: columns that say the same in all of them travel once, and mean the same."""

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.kernel.errors import Conflict
from chassis.storage.bulk import MANY, insert_missing_rows, insert_rows, update_rows, upsert_rows
from chassis.storage.database import connect

THINGS = Table(
    "pg_temp.things",
    MetaData(),
    Column("number", BigInteger, primary_key=True),
    Column("version", BigInteger),
    Column("word", Text),
    Column("more", JSONB),
)
CREATE = text(
    "CREATE TEMP TABLE things (number bigint PRIMARY KEY, version bigint, word text, more jsonb)"
    " ON COMMIT DROP"
)
ALL = text("SELECT number, version, word, more FROM things ORDER BY number").columns(more=JSONB)

SIZES = [1, 2, MANY - 1, MANY, 3 * MANY]


@pytest.fixture
async def tx(migrated):
    # Services may not make tables, not even for a while.
    database = connect((await migrated("order")).admin, application="tests")
    async with database.begin() as tx:
        await tx.run(CREATE)
        yield tx
    await database.close()


def things(count, **change):
    """
    Return things whose numbers differ, while all else is the same.
    """
    same = {"version": 1, "word": "it's :so", "more": {"a": [1]}}
    return [{"number": number, **same, **change} for number in range(count)]


async def stored(tx):
    return [dict(row._mapping) for row in await tx.rows(ALL)]


@pytest.mark.parametrize("count", SIZES)
async def test_rows_that_are_alike_are_inserted_as_they_are(tx, count):
    await insert_rows(tx, THINGS, things(count))

    assert await stored(tx) == things(count)


@pytest.mark.parametrize("count", SIZES)
async def test_one_row_that_differs_stays_different(tx, count):
    rows = things(count)
    rows[count // 2] |= {"word": None, "more": {}}

    await insert_rows(tx, THINGS, rows)

    assert await stored(tx) == rows


@pytest.mark.parametrize("count", SIZES)
async def test_alike_rows_are_updated_over_their_own_versions_only(tx, count):
    await insert_rows(tx, THINGS, things(count))
    newer = things(count, version=2, word="new")

    await update_rows(tx, THINGS, newer, key=["number"], version="version")

    assert await stored(tx) == newer
    await update_rows(tx, THINGS, newer, key=["number"], version="version")
    with pytest.raises(Conflict):
        await tx.flush()


@pytest.mark.parametrize("count", SIZES)
async def test_alike_rows_are_inserted_or_written_over(tx, count):
    await insert_rows(tx, THINGS, things(count))

    await upsert_rows(tx, THINGS, things(count + 3, word="new"), key=["number"])

    assert await stored(tx) == things(count + 3, word="new")


async def test_rows_that_are_alike_in_all_columns_are_still_as_many(tx):
    same = [{"number": 7, "version": 1, "word": "x", "more": {}}] * MANY

    assert await insert_missing_rows(tx, THINGS, same, returning="number") == {7}
    assert len(await stored(tx)) == 1
