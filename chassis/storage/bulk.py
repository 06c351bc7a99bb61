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

from chassis.storage.database import Transaction, Write

Rows = Sequence[Mapping[str, Any]]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_rows(tx: Transaction, table: Table, rows: Rows, *, raced: bool = False) -> None:
    """
    Insert *rows*, which all have the same columns, before the next read or at the end.

    Args:
        raced: Whether somebody else may have inserted one of them meanwhile, which then is a
            `Conflict`.
    """
    if rows:
        columns = tuple(rows[0])
        sql = _insert(table, columns)
        arrays = _arrays(table, columns, rows)
        expected = len(rows) if raced else None
        await tx.write(Write(target=table.name, sql=sql, parameters=arrays, rows=expected))


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
    statement = _insert_missing(table, columns, returning)
    return {row[0] for row in await tx.rows(statement, _arrays(table, columns, rows))}


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
        columns = tuple(rows[0])
        sql = _update(table, columns, tuple(key), version)
        arrays = _arrays(table, columns, rows)
        await tx.write(Write(target=table.name, sql=sql, parameters=arrays, rows=len(rows)))


async def upsert_rows(tx: Transaction, table: Table, rows: Rows, *, key: Sequence[str]) -> None:
    """
    Insert *rows*, or write them over the ones with the same *key*, before the next read or at
    the end.
    """
    if rows:
        columns = tuple(rows[0])
        sql = _upsert(table, columns, tuple(key))
        arrays = _arrays(table, columns, rows)
        await tx.write(Write(target=table.name, sql=sql, parameters=arrays))


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.fullname} ({', '.join(columns)}) {_source(table, columns)}"


@lru_cache(maxsize=256)
def _insert_missing(table: Table, columns: tuple[str, ...], returning: str) -> TextClause:
    return text(f"{_insert(table, columns)} ON CONFLICT DO NOTHING RETURNING {returning}")


@lru_cache(maxsize=256)
def _upsert(table: Table, columns: tuple[str, ...], key: tuple[str, ...]) -> str:
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c not in key)
    return f"{_insert(table, columns)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


@lru_cache(maxsize=256)
def _update(table: Table, columns: tuple[str, ...], key: tuple[str, ...], version: str) -> str:
    changes = ", ".join(f"{c} = new.{c}" for c in columns if c not in key)
    match = " AND ".join(f"old.{c} = new.{c}" for c in key)
    if version:
        match += f" AND old.{version} = new.{version} - 1"
    source = _source(table, columns)
    return f"UPDATE {table.fullname} AS old SET {changes} FROM ({source}) AS new WHERE {match}"


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
