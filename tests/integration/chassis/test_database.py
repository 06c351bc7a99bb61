import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


async def test_an_error_does_not_tell_what_was_written(database_of):
    database = await database_of("order")

    with pytest.raises(DBAPIError, match="division by zero") as failed:
        async with database.begin() as tx:
            await tx.run(text("SELECT 1 / 0, CAST(:name AS text)"), {"name": "Ada Lovelace"})

    assert "Ada" not in str(failed.value)
