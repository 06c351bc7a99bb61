"""The PSP's records, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from deploy.psp.case import Books
from deploy.psp.records import Key, Record
from deploy.psp.shapes import (
    DISPUTES,
    KEYS,
    PAYMENTS,
    REFUNDS,
    R,
    Shape,
    write,
)
from deploy.psp.tables import TABLES

CONNECTIONS = 4
CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 15.0

Filters = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    Which records a batch is about.
    """

    payments: Collection[str] = ()
    refunds: Collection[str] = ()
    disputes: Collection[str] = ()


class Store:
    """
    One process writes, a batch at a time; so what it has read stays true until it has written.
    """

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def books(self, wanted: Wanted) -> Books:
        """
        Return the records that are *wanted*, with the payments of refunds and disputes.
        """
        refunds = await self._by_id(REFUNDS, wanted.refunds)
        disputes = await self._by_id(DISPUTES, wanted.disputes)
        ids = {*wanted.payments, *(each.payment for each in refunds.values())}
        ids.update(each.payment for each in disputes.values())
        payments = await self._by_id(PAYMENTS, ids)
        return Books(payments=payments, refunds=refunds, disputes=disputes)

    async def books_of_sources(self, ids: Collection[str]) -> Books:
        """
        Return the charges, refunds and disputes among *ids*.
        """

        def named(prefix: str) -> list[str]:
            return [each for each in ids if each.startswith(prefix)]

        wanted = Wanted(
            payments=[f"pi_{each.removeprefix('ch_')}" for each in named("ch_")],
            refunds=named("re_"),
            disputes=named("du_"),
        )
        return await self.books(wanted)

    async def _by_id(self, shape: Shape[R], ids: Collection[str]) -> dict[str, R]:
        if not ids:
            return {}
        sql = f"SELECT {_names(shape)} FROM {shape.table} WHERE id = ANY($1::text[])"
        return {row[0]: shape.record(row) for row in await self.pool.fetch(sql, list(ids))}

    async def keys(self, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Key]:
        """
        Return those idempotency keys that are known, by account and key.
        """
        if not asked:
            return {}
        accounts, keys = zip(*asked, strict=True)
        rows = await self.pool.fetch(_KEYS, list(accounts), list(keys))
        return {(row[0], row[1]): KEYS.record(row) for row in rows}

    async def write(self, records: Collection[Record]) -> None:
        """
        Write *records*: all of them, or none.
        """
        if records:
            sql, arrays = write(records)
            await self.pool.execute(sql, *arrays)

    async def find(self, shape: Shape[R], account: str, id_: str) -> R | None:
        sql = f"SELECT {_names(shape)} FROM {shape.table} WHERE id = $1 AND account = $2"
        row = await self.pool.fetchrow(sql, id_, account)
        return shape.record(row) if row else None

    async def page(
        self,
        shape: Shape[R],
        account: str,
        *,
        filters: Filters,
        created: tuple[int, int],
        limit: int,
        after: str = "",
    ) -> Sequence[R]:
        """
        Return the latest records first.

        Args:
            filters: What columns must say; a `*` at the end stands for anything.
            created: The first second, and the one after the last.
            limit: How many at most.
            after: The id of the last one on the page before.
        """
        values: list[Any] = [account, *created, limit]
        sql = f"SELECT {_names(shape)} FROM {shape.table}"
        sql += " WHERE account = $1 AND created >= $2 AND created < $3"
        for column, value in filters.items():
            values.append(value.removesuffix("*"))
            is_begin = value.endswith("*")
            sql += (
                f" AND {f'starts_with({column}, $' if is_begin else f'{column} = ($'}{len(values)})"
            )
        if after:
            values.append(after)
            last = f"SELECT created, position FROM {shape.table} WHERE id = ${len(values)}"
            sql += f" AND (created, position) < ({last})"
        sql += " ORDER BY created DESC, position DESC LIMIT $4"
        return [shape.record(row) for row in await self.pool.fetch(sql, *values)]


def _names(shape: Shape[Any]) -> str:
    return ", ".join(shape.columns)


_KEYS = f"""
    SELECT {_names(KEYS)} FROM keys
    JOIN unnest($1::text[], $2::text[]) AS asked (account, key) USING (account, key)
"""


async def open_store(url: str) -> Store:
    """
    Connect to the database at *url* and make the tables that are missing.
    """
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        init=_speak_json,
        # No session is ever changed, so none is put right again: it would be a round trip a query.
        reset=_leave_alone,
        server_settings={"application_name": "psp", "jit": "off", "enable_seqscan": "off"},
    )
    await pool.execute(TABLES)
    return Store(pool)


async def _leave_alone(_connection: Any) -> None:
    pass


async def _speak_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )
