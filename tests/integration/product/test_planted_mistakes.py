"""What keeps stock right is needed: without it, the same race goes wrong."""

import asyncio

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from chassis.outages import is_outage
from chassis.storage.database import Write
from services.product.adapters import stock_items
from services.product.adapters.stock_items import SqlStockItems, change_of
from tests.integration.product.conftest import OUT_OF_BALANCE, outcome

UNITS, BUYERS = 20, 200

# The counts as they were read, and what was taken since: the changes of others are lost.
STALE = """
UPDATE stock_items AS item
SET version = item.version + 1, event_count = item.event_count + change.told,
    on_hand = change.on_hand, held = change.held, allocated = change.allocated,
    damaged = change.damaged
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:told AS bigint[]), CAST(:event_counts AS bigint[]),
    CAST(:on_hand AS bigint[]), CAST(:held AS bigint[]), CAST(:allocated AS bigint[]),
    CAST(:damaged AS bigint[]), CAST(:available AS bigint[]),
    CAST(:begins_depleted AS boolean[]), CAST(:ends_depleted AS boolean[])
) AS change (id, told, event_count, on_hand, held, allocated, damaged, available, begins_depleted,
    ends_depleted)
WHERE item.id = change.id
"""


async def race(replicas, new_id):
    """
    Let many buy what few can have, and return what each was answered.
    """
    await replicas[0].receive(UNITS)

    async def buy(number):
        try:
            (answer,) = await replicas[number % 2].reserve((new_id(), {"LAMP": 1}))
        except Exception as error:
            # A key, or a deadlock, may meet what a condition was to see; others then wait too long.
            if isinstance(error, DBAPIError) or is_outage(error):
                return "CONFLICT"
            raise
        return outcome(answer)

    async with asyncio.TaskGroup() as tasks:
        buyers = [tasks.create_task(buy(number)) for number in range(BUYERS)]
    return [buyer.result() for buyer in buyers]


async def out_of_balance(replica):
    async with replica.database.begin() as tx:
        return await tx.rows(text(OUT_OF_BALANCE.text))


async def test_the_race_is_clean_as_it_is(replica, replicas, new_id):
    outcomes = await race(replicas, new_id)

    assert set(outcomes) == {"HELD", "OUT_OF_STOCK"}
    assert outcomes.count("HELD") == UNITS
    assert await out_of_balance(replica) == []


async def test_what_was_read_before_the_lock_and_is_believed_oversells(
    replicas, new_id, monkeypatch
):
    def as_it_was_read(item):
        counts = {name: getattr(item, name) for name in ("on_hand", "held", "allocated", "damaged")}
        return {**change_of(item), **counts}

    monkeypatch.setattr(stock_items, "_MOVE", STALE)
    monkeypatch.setattr(stock_items, "change_of", as_it_was_read)
    monkeypatch.setattr(SqlStockItems, "_hold_tellers", _nothing)

    sold = (await race(replicas, new_id)).count("HELD")

    assert sold > UNITS
    assert await out_of_balance(replicas[0])


async def test_a_change_that_met_no_row_and_is_not_missed_breaks_the_books(
    replicas, new_id, monkeypatch
):
    async def move(self, changes):
        in_order = sorted(changes, key=lambda change: change["ids"].int)
        parameters = {name: [change[name] for change in in_order] for name in in_order[0]}
        # Without `rows`: how many have changed is not looked at.
        await self._tx.write(
            Write(target="stock_items", sql=stock_items._MOVE, parameters=parameters)
        )

    monkeypatch.setattr(SqlStockItems, "_move", move)

    sold = (await race(replicas, new_id)).count("HELD")

    assert sold > UNITS
    assert await out_of_balance(replicas[0])


async def _nothing(self, items):
    pass
