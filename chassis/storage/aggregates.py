"""How aggregates are written: many in a statement, each only over the version that was read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import Conflict
from chassis.storage.bulk import insert_rows, update_rows
from chassis.storage.database import Transaction

A = TypeVar("A", bound=Aggregate[Any])


async def save_aggregates(
    tx: Transaction,
    table: Table,
    aggregates: Sequence[A],
    row_from: Callable[[A], Mapping[str, Any]],
    *,
    changes_from: Callable[[A], Mapping[str, Any]] | None = None,
) -> None:
    """
    Write the root rows of *aggregates*, each over its earlier form.

    The version moves with every save, whichever part of the aggregate changed: so two writers
    that each add a child row do not both succeed. Save the root last in a transaction that
    contends for it: its row stays locked from here to the commit.

    Args:
        changes_from: The key, the version and the columns that may change after the first save;
            all of them unless given.

    Raises:
        Conflict: Someone else saved one of them since it was read; nothing was written.
    """
    fresh = [aggregate for aggregate in aggregates if aggregate.version == 0]
    known = [aggregate for aggregate in aggregates if aggregate.version > 0]
    for aggregate in aggregates:
        aggregate.version += 1
    await insert_rows(tx, table, [row_from(aggregate) for aggregate in fresh])
    key = [column.name for column in table.primary_key]
    # One global order of rows, so that two batches never wait for each other in a circle.
    rows = sorted(
        ((changes_from or row_from)(a) for a in known),
        key=lambda row: [row[column] for column in key],
    )
    written = await update_rows(tx, table, rows, key=key, version="version")
    if written != len(known):
        kind = type(known[0]).__name__
        raise Conflict(f"{len(known) - written} of {len(known)} {kind} have changed meanwhile")


async def save_aggregate(
    tx: Transaction, table: Table, aggregate: A, row_from: Callable[[A], Mapping[str, Any]]
) -> None:
    """
    Write the root row of *aggregate* over its earlier form.

    Raises:
        Conflict: Someone else saved it since it was read.
    """
    await save_aggregates(tx, table, [aggregate], row_from)
