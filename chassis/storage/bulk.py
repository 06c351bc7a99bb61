"""
Many rows in one statement.

Rows travel as one array per column and are unfolded by `unnest` in the server: one statement and
one round trip, whether it is one row or five hundred, with one plan for all sizes. Of many rows,
a column that says the same in all of them travels once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.storage.database import Transaction, Write

Rows = Sequence[Mapping[str, Any]]

# From so many rows on it pays to look for columns that say the same everywhere. (Below, the text
# of the statement would vary more than its work.)
MANY = 32

# Marks a table that is made of months (chassis.storage.months): `info={MONTH_KEY: "id"}`.
MONTH_KEY = "month key"

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_rows(tx: Transaction, table: Table, rows: Rows, *, raced: bool = False) -> None:
    """
    Insert *rows*, which all have the same columns, before the next read or at the end.

    Args:
        raced: Whether somebody else may have inserted one of them meanwhile, which then is a
            `Conflict`.
    """
    if rows:
        columns = _columns_of(table, rows)
        sql = _insert(table, columns.names, columns.shared)
        expected = len(rows) if raced else None
        await tx.write(Write(target=table.name, sql=sql, parameters=columns.values, rows=expected))


async def insert_missing_rows(
    tx: Transaction, table: Table, rows: Rows, *, returning: str
) -> set[Any]:
    """
    Insert those of *rows* whose key is not there yet, and return their *returning* column.

    A row that another open transaction is inserting is waited for.
    """
    if not rows:
        return set()
    columns = _columns_of(table, rows)
    statement = _insert_missing(table, columns.names, columns.shared, returning)
    return {row[0] for row in await tx.rows(statement, columns.values)}


async def update_rows(
    tx: Transaction, table: Table, rows: Rows, *, key: Sequence[str], version: str = ""
) -> None:
    """
    Write *rows* over the ones with the same *key*, before the next read or at the end.

    Args:
        version: A column that must hold one less than the row to write says.

    Raises:
        Conflict: Now or when it is done: not all of them are there (in that version).
    """
    if rows:
        columns = _columns_of(table, rows)
        sql = _update(table, columns.names, columns.shared, tuple(key), version)
        values = {**columns.values, **_bounds_of(table, rows)}
        await tx.write(Write(target=table.name, sql=sql, parameters=values, rows=len(rows)))


async def upsert_rows(tx: Transaction, table: Table, rows: Rows, *, key: Sequence[str]) -> None:
    """
    Insert *rows*, or write them over the ones with the same *key*, before the next read or at
    the end.
    """
    if rows:
        columns = _columns_of(table, rows)
        sql = _upsert(table, columns.names, columns.shared, tuple(key))
        await tx.write(Write(target=table.name, sql=sql, parameters=columns.values))


def rows_of(table: Table, *, order: str) -> TextClause:
    """
    Return the statement that reads the rows of some ids from a table that is made of months: in
    *order* for each id. Its parameters are `rows_wanted`.

    The bounds leave out months before it begins; the rest is looked up id by id, each in its
    month. OFFSET 0 keeps it so: the planner would make a join of it, and guess (ADR-0023).
    """
    key = table.info[MONTH_KEY]
    return text(
        f"""
        SELECT found.* FROM unnest(CAST(:ids AS uuid[])) AS wanted (wanted_id), LATERAL (
            SELECT * FROM {table.fullname} WHERE {key} = wanted_id
                AND {key} BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)
            ORDER BY {order} OFFSET 0
        ) AS found
        """
    )


def rows_wanted(ids: Collection[UUID]) -> Mapping[str, Any]:
    """
    Return *ids*, at least one, as the parameters of `rows_of`.
    """
    return {"ids": list(ids), "lowest": min(ids), "highest": max(ids)}


Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """
    Rows, turned.

    Attributes:
        names: Of all columns.
        shared: Of those that say the same in all rows.
        values: What travels for each: a value if it is shared, else one per row.
    """

    names: Names
    shared: Names
    values: Mapping[str, Any]


def _columns_of(table: Table, rows: Rows) -> _Columns:
    names = tuple(rows[0])
    values: dict[str, Any] = {}
    shared: list[str] = []
    for name in names:
        said = [row[name] for row in rows]
        if _is_json(table, name):
            said = [orjson.dumps(value, default=str).decode() for value in said]
        elif _is_array(table, name):
            # Of ids: nothing in them needs quotes.
            said = ["{" + ",".join(map(str, value)) + "}" for value in said]
        # One array at least must say how many rows there are.
        may_be_shared = len(rows) >= MANY and name != table.info.get(MONTH_KEY)
        if may_be_shared and len(shared) < len(names) - 1 and _are_alike(said):
            shared.append(name)
            values[name] = said[0]
        else:
            values[name] = said
    return _Columns(names, tuple(shared), values)


def _bounds_of(table: Table, rows: Rows) -> Mapping[str, Any]:
    """
    Return the lowest and the highest id among *rows*, if the table is made of months.
    """
    if MONTH_KEY not in table.info:
        return {}
    ids = [row[table.info[MONTH_KEY]] for row in rows]
    return {"lowest": min(ids), "highest": max(ids)}


def _are_alike(values: Sequence[Any]) -> bool:
    return bool(values[0] == values[-1]) and values.count(values[0]) == len(values)


@lru_cache(maxsize=1024)
def _insert(table: Table, columns: Names, shared: Names) -> str:
    return f"INSERT INTO {table.fullname} ({', '.join(columns)}) {_source(table, columns, shared)}"


@lru_cache(maxsize=1024)
def _insert_missing(table: Table, columns: Names, shared: Names, returning: str) -> TextClause:
    insert = _insert(table, columns, shared)
    return text(f"{insert} ON CONFLICT DO NOTHING RETURNING {returning}")


@lru_cache(maxsize=1024)
def _upsert(table: Table, columns: Names, shared: Names, key: Names) -> str:
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
    insert = _insert(table, columns, shared)
    return f"{insert} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


@lru_cache(maxsize=1024)
def _update(table: Table, columns: Names, shared: Names, key: Names, version: str) -> str:
    changes = ", ".join(f"{c} = new.{c}" for c in columns if c not in key)
    match = " AND ".join(f"old.{c} = new.{c}" for c in key)
    if version:
        match += f" AND old.{version} = new.{version} - 1"
    if by := table.info.get(MONTH_KEY):
        # Says nothing new, but to the planner: which months need not be looked at (ADR-0023).
        match += f" AND old.{by} = ANY(CAST(:{by} AS uuid[]))"
        match += f" AND old.{by} BETWEEN CAST(:lowest AS uuid) AND CAST(:highest AS uuid)"
    source = _source(table, columns, shared)
    return f"UPDATE {table.fullname} AS old SET {changes} FROM ({source}) AS new WHERE {match}"


def _source(table: Table, columns: Names, shared: Names) -> str:
    own = [column for column in columns if column not in shared]
    arrays = ", ".join(f"CAST(:{c} AS {_type(table, c)}[])" for c in own)
    values = ", ".join(_value(table, c, c in shared) for c in columns)
    return f"SELECT {values} FROM unnest({arrays}) AS given({', '.join(own)})"


def _value(table: Table, column: str, is_shared: bool) -> str:
    source = f"CAST(:{column} AS {_type(table, column)})" if is_shared else column
    cast = f"::{_compiled(table, column)}" if _travels_as_text(table, column) else ""
    return f"{source}{cast} AS {column}"


def _type(table: Table, column: str) -> str:
    return "text" if _travels_as_text(table, column) else _compiled(table, column)


def _compiled(table: Table, column: str) -> str:
    return table.c[column].type.compile(dialect=_DIALECT)


def _travels_as_text(table: Table, column: str) -> bool:
    # `unnest` would unfold an array of arrays to its last element.
    return _is_json(table, column) or _is_array(table, column)


def _is_array(table: Table, column: str) -> bool:
    return isinstance(table.c[column].type, ARRAY)


def _is_json(table: Table, column: str) -> bool:
    return isinstance(table.c[column].type, JSONB)
