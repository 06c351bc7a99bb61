from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.events.put_back import Tail, put_back
from chassis.events.record import forget_old_days, open_days
from chassis.events.relay import relay_batch
from deploy.local.databases import asyncpg_url
from tests.integration.chassis.conftest import Thing

pytestmark = pytest.mark.usefixtures("jetstream")


@pytest.fixture
def today():
    return datetime.now(UTC).date()


@pytest.fixture
def days(database):
    """
    Return the days that have a table.
    """

    async def read():
        async with database.begin() as tx:
            rows = await tx.rows(
                text(
                    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
                    " WHERE inhparent = 'published_events'::regclass ORDER BY relname"
                )
            )
        return [date.fromisoformat(row.relname.removeprefix("published_events_")) for row in rows]

    return read


async def waiting(database):
    async with database.begin() as tx:
        rows = await tx.rows(
            text("SELECT aggregate_version, replays FROM outbox ORDER BY position")
        )
    return [(row.aggregate_version, row.replays) for row in rows]


async def test_the_next_days_have_a_table_before_they_begin(database, days, today):
    for _ in range(2):
        async with database.begin() as tx:
            await open_days(tx, today)

    assert [today + timedelta(days=n) for n in range(4)] == (await days())[-4:]


async def test_old_days_are_forgotten_as_a_whole_and_young_ones_stay(database, days, today):
    async with database.begin() as tx:
        await open_days(tx, today - timedelta(days=20))
        await open_days(tx, today)

    async with database.begin() as tx:
        forgotten = await forget_old_days(tx, today, kept_days=14)

    assert forgotten == 4
    assert min(await days()) == today
    async with database.begin() as tx:
        (row,) = await tx.rows(text("SELECT forgotten_before FROM stream_state"))
    assert row.forgotten_before.date() == today - timedelta(days=14)


async def test_today_cannot_be_forgotten_whatever_is_asked(database, days, today):
    async with database.begin() as tx:
        await open_days(tx, today)
        await forget_old_days(tx, today + timedelta(days=400), kept_days=0)

    assert today in await days()


async def test_the_service_itself_cannot_change_the_record_s_tables(migrated, database):  # noqa: ARG001
    service = await asyncpg.connect(asyncpg_url((await migrated("order")).app))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.execute("DROP TABLE published_events")
    finally:
        await service.close()


async def test_what_has_no_day_to_be_filed_under_stays_in_the_outbox(
    migrated, database, broker, tell, today
):
    admin = await asyncpg.connect(asyncpg_url((await migrated("order")).admin))
    await admin.execute(f"DROP TABLE published_events_{today:%Y%m%d}")
    await admin.close()
    await tell((Thing(), "one"))

    with pytest.raises(DBAPIError, match="no partition"):
        await relay_batch(database, broker, context="order")

    assert await waiting(database) == [(1, 0)]
    async with database.begin() as tx:
        await open_days(tx, today)
    assert await relay_batch(database, broker, context="order") == 1
    assert await waiting(database) == []


async def test_what_is_put_back_takes_all_that_came_after_it_along(
    database, broker, tell, words_in
):
    thing, other = Thing(), Thing()
    await tell((thing, "one"), (thing, "two"), (thing, "three"), (other, "else"))
    await relay_batch(database, broker, context="order")

    async with database.begin() as tx:
        assert await put_back(tx, [Tail(thing.id, 2)]) == 2

    assert await waiting(database) == [(2, 1), (3, 1)]
    await relay_batch(database, broker, context="order")
    assert [word for word, _ in await words_in()] == [
        *("one", "two", "three", "else"),
        *("two", "three"),
    ]


async def test_what_is_missing_at_a_place_is_put_back_once(database, broker, tell):
    thing = Thing()
    await tell((thing, "one"))
    await relay_batch(database, broker, context="order")
    async with database.begin() as tx:
        (row,) = await tx.rows(text("SELECT stream_sequence FROM published_events"))
    tail = Tail(thing.id, 1, sequence=row.stream_sequence)
    async with database.begin() as tx:
        assert await put_back(tx, [tail]) == 1
    await relay_batch(database, broker, context="order")

    async with database.begin() as tx:
        again = await put_back(tx, [tail])

    assert again == 0
