"""
Many rows in one statement.

Rows travel as one array per column and are unfolded by `unnest` in the server: one statement and
one round trip, whether it is one row or five hundred, with one plan for all sizes.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from chassis.storage.database import Transaction

Rows = Sequence[Mapping[str, Any]]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_rows(tx: Transaction, table: Table, rows: Rows) -> None:
    """
    Insert *rows*, which all have the same columns.
    """
    if rows:
        columns = tuple(rows[0])
        await tx.run(_insert(table, columns, ""), _arrays(table, columns, rows))


async def insert_missing_rows(
    tx: Transaction, table: Table, rows: Rows, *, returning: str
) -> set[Any]:
    """
    Insert those of *rows* whose key is not there yet, and return their *returning* column.

    A row that another open transaction is inserting is waited for.
    """
    if not rows:
        return set()
    columns = tuple(rows[0])
    statement = _insert(table, columns, f"ON CONFLICT DO NOTHING RETURNING {returning}")
    return {row[0] for row in await tx.rows(statement, _arrays(table, columns, rows))}


async def update_rows(
    tx: Transaction, table: Table, rows: Rows, *, key: Sequence[str], version: str = ""
) -> int:
    """
    Write *rows* over the ones with the same *key*, and return how many were found.

    Args:
        version: A column that must hold one less than the row to write says.
    """
    if not rows:
        return 0
    columns = tuple(rows[0])
    return await tx.run(_update(table, columns, tuple(key), version), _arrays(table, columns, rows))


async def upsert_rows(tx: Transaction, table: Table, rows: Rows, *, key: Sequence[str]) -> None:
    """
    Insert *rows*, or write them over the ones with the same *key*.
    """
    if rows:
        columns = tuple(rows[0])
        changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
        ending = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
        await tx.run(_insert(table, columns, ending), _arrays(table, columns, rows))


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...], ending: str) -> TextClause:
    names = ", ".join(columns)
    source = _source(table, columns)
    return text(f"INSERT INTO {table.name} ({names}) {source} {ending}")


@lru_cache(maxsize=256)
def _update(
    table: Table, columns: tuple[str, ...], key: tuple[str, ...], version: str
) -> TextClause:
    changes = ", ".join(f"{c} = new.{c}" for c in columns if c not in key)
    match = " AND ".join(f"old.{c} = new.{c}" for c in key)
    if version:
        match += f" AND old.{version} = new.{version} - 1"
    source = _source(table, columns)
    return text(f"UPDATE {table.name} AS old SET {changes} FROM ({source}) AS new WHERE {match}")


def _source(table: Table, columns: tuple[str, ...]) -> str:
    arrays = ", ".join(f"CAST(:{c} AS {_array_type(table, c)}[])" for c in columns)
    values = ", ".join(f"{c}{'::jsonb' if _is_json(table, c) else ''} AS {c}" for c in columns)
    return f"SELECT {values} FROM unnest({arrays}) AS given({', '.join(columns)})"


def _array_type(table: Table, column: str) -> str:
    if _is_json(table, column):
        return "text"
    return table.c[column].type.compile(dialect=_DIALECT)


def _is_json(table: Table, column: str) -> bool:
    return isinstance(table.c[column].type, JSONB)


def _arrays(table: Table, columns: tuple[str, ...], rows: Rows) -> dict[str, list[Any]]:
    return {
        column: [orjson.dumps(row[column]).decode() for row in rows]
        if _is_json(table, column)
        else [row[column] for row in rows]
        for column in columns
    }
