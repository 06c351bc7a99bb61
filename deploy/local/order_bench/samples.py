"""
The rows of one order that the service has written, as a pattern for SQL that writes many like it.

Read from the database rather than written down here, so that what the bench compares with, and
what it fills tables with, is always what the service writes today.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

# Where an order's rows are, and which column says whose they are.
KEPT = {
    "orders": "id",
    "order_lines": "order_id",
    "order_shipments": "order_id",
    "order_timeline": "order_id",
    "idempotency": "outcome_id",
}
PLACED = {**KEPT, "sagas": "id", "outbox": "aggregate_id"}

_COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = CAST($1 AS regclass) AND attnum > 0 AND NOT attisdropped
    AND attidentity = '' AND attgenerated = ''
ORDER BY attnum
"""

Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    The rows of one table.

    Attributes:
        types: The columns, each with its type in SQL.
        rows: Their values, as PostgreSQL writes them.
    """

    table: str
    key: str
    types: Mapping[str, str]
    rows: Sequence[Row]


async def read_samples(
    connection: asyncpg.Connection, tables: Mapping[str, str], *, status: str
) -> Sequence[Sample]:
    """
    Return the rows in *tables* of the order that was last brought to *status*.
    """
    order_id = await connection.fetchval(
        "SELECT id FROM orders WHERE status = $1 ORDER BY id DESC LIMIT 1", status
    )
    assert order_id is not None, f"no order is {status}"
    return await samples_of(connection, tables, order_id)


async def samples_of(
    connection: asyncpg.Connection, tables: Mapping[str, str], id_: Any
) -> Sequence[Sample]:
    """
    Return the rows in *tables* of one thing, which has *id_*.
    """
    samples = [await _read(connection, name, key, id_) for name, key in tables.items()]
    return [sample for sample in samples if sample.rows]


async def _read(connection: asyncpg.Connection, table: str, key: str, order_id: Any) -> Sample:
    columns = await connection.fetch(_COLUMNS, table)
    types = {column["name"]: column["type"] for column in columns}
    texts = ", ".join(f"CAST({name} AS text) AS {name}" for name in types)
    rows = await connection.fetch(f"SELECT {texts} FROM {table} WHERE {key} = $1", order_id)
    return Sample(table=table, key=key, types=types, rows=[dict(row) for row in rows])


def insert_like(samples: Sequence[Sample], given: str) -> str:
    """
    Return one statement that writes rows like *samples* for every row of *given*.

    Args:
        given: A query of the new orders: `id`, the moment `at`, and the `account`.
    """
    inserts = [f"w{n} AS ({_insert(sample)})" for n, sample in enumerate(samples)]
    return f"WITH given AS MATERIALIZED ({given}), {', '.join(inserts)} SELECT count(*) FROM given"


def _insert(sample: Sample) -> str:
    names = list(sample.types)
    rows = ", ".join(f"({', '.join(_literal(row[n]) for n in names)})" for row in sample.rows)
    values = ", ".join(_value(sample, name) for name in names)
    return (
        f"INSERT INTO {sample.table} ({', '.join(names)})"
        f" SELECT {values} FROM given, (VALUES {rows}) AS sample ({', '.join(names)})"
    )


def _value(sample: Sample, name: str) -> str:
    kind = sample.types[name]
    if name == sample.key:
        return "given.id"
    if name in ("account_id", "caller"):
        return "given.account"
    if kind == "uuid":
        return f"CASE WHEN sample.{name} IS NOT NULL THEN gen_random_uuid() END"
    if kind == "timestamp with time zone":
        return f"CASE WHEN sample.{name} IS NOT NULL THEN given.at END"
    return f"CAST(sample.{name} AS {kind})"


def _literal(value: str | None) -> str:
    if value is None:
        return "CAST(NULL AS text)"
    # pgbench would look for its variables behind a colon.
    escaped = value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{escaped}'"
