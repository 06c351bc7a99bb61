"""The history of orders as it is told anew, in a table beside the one that is shown."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Row, text

from chassis.kernel.errors import RuleViolated
from chassis.storage.bulk import upsert_rows
from chassis.storage.database import Database, Transaction
from services.order.adapters import history_tables
from services.order.adapters.order_history import (
    SqlOrderHistory,
    row_from_summary,
    summary_from_row,
)
from services.order.application.history.ports import Portion
from services.order.domain.history.facts import Told
from services.order.domain.history.rebuilt import Rebuilt, take_over
from services.order.domain.history.summary import OrderSummary
from services.order.domain.values import OrderId

# How many orders take their place at once: so long everybody who listens waits.
AT_ONCE = 500

_ALONE = text("SELECT pg_try_advisory_xact_lock(x'0B0D'::int, 1) AS alone")
_EMPTY = text("SELECT empty_order_history_rebuild()")
_FIND = text("SELECT * FROM order_history_rebuild WHERE order_id = ANY(CAST(:ids AS uuid[]))")
_NEXT = text(
    """
    SELECT * FROM order_history_rebuild
    WHERE CAST(:after AS uuid) IS NULL OR order_id > CAST(:after AS uuid)
    ORDER BY order_id LIMIT :limit
    """
)
_SHOWN = text("SELECT * FROM order_history WHERE order_id = ANY(CAST(:ids AS uuid[]))")
_DONE = text("DELETE FROM order_history_rebuild WHERE order_id = ANY(CAST(:ids AS uuid[]))")


class RebuildUnderWay(RuleViolated):
    pass


@asynccontextmanager
async def sql_rebuilding(database: Database) -> AsyncGenerator["SqlRebuilding"]:
    """
    Be the only one to tell the history anew, from an empty page, for the length of the block.

    Args:
        database: One whose transactions may do nothing for as long as that takes.

    Raises:
        RebuildUnderWay: Somebody else is at it.
    """
    # Open all the time, it holds a lock and nothing else.
    async with database.begin() as guard:
        (row,) = await guard.rows(_ALONE)
        if not row.alone:
            raise RebuildUnderWay("the history is being rebuilt by somebody else")
        async with database.begin() as tx:
            await tx.rows(_EMPTY)
        yield SqlRebuilding(database)


class SqlRebuilding:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def hear(self, context: str, told: Sequence[Told], *, new: bool) -> None:
        async with self._database.begin() as tx:
            rows = await tx.rows(_FIND, {"ids": list({each.order_id for each in told})})
            known = {OrderId(row.order_id): rebuilt_from_row(row) for row in rows}
            heard: dict[OrderId, Rebuilt] = {}
            for each in told:
                rebuilt = known.get(each.order_id)
                if rebuilt is None and new:
                    summary = OrderSummary(order_id=each.order_id)
                    rebuilt = known[each.order_id] = Rebuilt(summary=summary)
                if rebuilt and rebuilt.hear(context, each):
                    heard[each.order_id] = rebuilt
            await upsert_rows(
                tx,
                history_tables.order_history_rebuild,
                [row_from_rebuilt(rebuilt) for rebuilt in heard.values()],
                key=("order_id",),
            )

    async def take_over(self, after: OrderId | None) -> Portion:
        async with self._database.begin() as tx:
            history = SqlOrderHistory(tx)
            await history.lock()
            rows = await tx.rows(_NEXT, {"after": after, "limit": AT_ONCE})
            rebuilt = [summary_from_row(row) for row in rows]
            return await _put_in_place(tx, history, rebuilt)


async def _put_in_place(
    tx: Transaction, history: SqlOrderHistory, rebuilt: Sequence[OrderSummary]
) -> Portion:
    rows = await tx.rows(_SHOWN, {"ids": [summary.order_id for summary in rebuilt]})
    shown = {OrderId(row.order_id): row for row in rows}
    changed: list[OrderSummary] = []
    done: list[OrderId] = []
    for summary in rebuilt:
        row = shown.get(summary.order_id)
        nothing = OrderSummary(order_id=summary.order_id)
        taken = take_over(summary, summary_from_row(row) if row else nothing)
        if taken.summary != nothing and not (row and _says(row, taken.summary)):
            changed.append(taken.summary)
        if not taken.is_behind:
            done.append(summary.order_id)
    await history.save(changed)
    await tx.run(_DONE, {"ids": done})
    return Portion(
        last=rebuilt[-1].order_id if rebuilt else None,
        orders=len(done),
        missing=sum(summary.order_id not in shown for summary in changed),
        wrong=sum(summary.order_id in shown for summary in changed),
        behind=len(rebuilt) - len(done),
    )


def _says(row: Row[Any], summary: OrderSummary) -> bool:
    """
    Return whether *row* says what *summary* does, also where it only follows from the rest.
    """
    follows = (summary.payment_status, summary.fulfillment_status)
    return summary_from_row(row) == summary and (
        (row.payment_status, row.fulfillment_status) == follows
    )


def rebuilt_from_row(row: Row[Any]) -> Rebuilt:
    return Rebuilt(summary=summary_from_row(row), seen=dict(row.seen))


def row_from_rebuilt(rebuilt: Rebuilt) -> dict[str, Any]:
    return {**row_from_summary(rebuilt.summary), "seen": rebuilt.seen}
