import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.storage.database import Write
from chassis.storage.metrics import STATEMENTS, TRANSACTIONS


async def test_an_error_does_not_tell_what_was_written(database_of):
    database = await database_of("order")

    with pytest.raises(DBAPIError, match="division by zero") as failed:
        async with database.begin() as tx:
            await tx.run(text("SELECT 1 / 0, CAST(:name AS text)"), {"name": "Ada Lovelace"})

    assert "Ada" not in str(failed.value)


async def test_statements_and_transactions_are_counted(database_of):
    database = await database_of("order")
    statements, transactions = value_of(STATEMENTS), value_of(TRANSACTIONS)

    async with database.begin() as tx:
        await tx.run(text("SELECT 1"))
        # Two writes, one round trip.
        for target in ("one", "another"):
            sql = "DELETE FROM inbox WHERE consumer = :name"
            await tx.write(Write(target=target, sql=sql, parameters={"name": target}))

    assert value_of(STATEMENTS) - statements == 2
    assert value_of(TRANSACTIONS) - transactions == 1


def value_of(counter):
    (metric,) = counter.collect()
    return metric.samples[0].value
