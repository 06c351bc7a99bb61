"""
Looks for card numbers and secrets wherever a cluster keeps something.

A number counts as a card's if its digits stand by themselves, in groups or not, an issuer there is
has numbers that begin so and are as long, and its check digit is right. What this project makes
itself and may look so by chance is taken out first, so that a hit is a hit: UUIDs, and the ids of
spans where they stand as such. The kernel's own eyes (chassis.kernel.card_numbers) are not used:
what they miss shall be seen here.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError
from redis.asyncio import Redis

_MADE_HERE = re.compile(
    rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    rb"|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
    rb'|"(?:span_id|spanId|parentSpanId)": ?"[0-9a-f]{16}"'
)
# In groups of three and more, unlike dates and times; not within a word, nor the decimals of a
# number or a number with decimals.
_NUMBER = re.compile(
    rb"(?<![0-9A-Za-z])(?<![0-9]\.)[0-9]{3,}(?:[ -][0-9]{3,})*(?![0-9A-Za-z])(?!\.[0-9])"
)
# How they begin, as ranges, and how long they are.
_ISSUERS = (
    ("Visa", (16, 19), (("4", "4"),)),
    ("Mastercard", (16,), (("51", "55"), ("2221", "2720"))),
    ("American Express", (15,), (("34", "34"), ("37", "37"))),
    ("Discover", (16, 17, 18, 19), (("6011", "6011"), ("644", "649"), ("65", "65"))),
    ("UnionPay", (16, 17, 18, 19), (("62", "62"),)),
    ("JCB", (16, 17, 18, 19), (("3528", "3589"),)),
)
_FEWEST, _MOST = 15, 19

# The columns of all tables that anything may be written into.
_COLUMNS = """
    SELECT n.nspname AS schema, c.relname AS table, array_agg(a.attname::text) AS columns
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
    JOIN pg_namespace n ON n.oid = c.relnamespace
        AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    WHERE a.attnum > 0 AND NOT a.attisdropped
        AND a.atttypid::regtype::text IN ('text', 'character varying', 'character', 'json',
            'jsonb', 'bytea', 'text[]', 'character varying[]', 'xml', 'tsvector')
    GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Found:
    """
    Attributes:
        what: The issuer of a card number, or the name of a secret; never itself.
    """

    where: str
    what: str


@dataclass(slots=True)
class Scan:
    """
    What was looked at, and what was found.

    Attributes:
        secrets: By name; empty ones are not looked for.
        seen: How many pieces of each kind of place were looked at.
    """

    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    found: list[Found] = field(default_factory=list[Found])
    seen: dict[str, int] = field(default_factory=dict[str, int])

    def look_at(self, data: bytes | str, *, kind: str, where: str) -> None:
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        self.seen[kind] = self.seen.get(kind, 0) + 1
        found = {*cards_in(data), *(card for part in parts_of(data) for card in cards_in(part))}
        found |= {name for name, each in self.secrets.items() if each and each.encode() in data}
        self.found += [Found(where, what) for what in sorted(found)]

    async def databases(self, admin_url: str) -> None:
        """
        Look at every row of every table of every database of a server.
        """
        server = await asyncpg.connect(admin_url)
        try:
            rows = await server.fetch("SELECT datname FROM pg_database WHERE datallowconn")
        finally:
            await server.close()
        for row in rows:
            connection = await asyncpg.connect(admin_url, database=row["datname"])
            try:
                await self._database(connection, row["datname"])
            finally:
                await connection.close()

    async def _database(self, connection: "asyncpg.Connection[Any]", name: str) -> None:
        for table in await connection.fetch(_COLUMNS):
            columns = ", ".join(f'"{column}"' for column in table["columns"])
            query = f'SELECT {columns} FROM "{table["schema"]}"."{table["table"]}"'
            where = f"{name}.{table['schema']}.{table['table']}"
            async with connection.transaction(readonly=True):
                async for row in connection.cursor(query):
                    for column, value in row.items():
                        for each in value if isinstance(value, list) else [value]:
                            if each:
                                self.look_at(each, kind="rows", where=f"{where}.{column}")

    def files(self, folder: Path, *, kind: str) -> None:
        """
        Look at every line of every file in a folder.
        """
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            with file.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    self.look_at(line, kind=kind, where=f"{file.name}:{number}")

    async def streams(self, jetstream: JetStreamContext) -> None:
        """
        Look at every message of every stream: its subject, its headers, what it says.
        """
        for info in await jetstream.streams_info():
            name = info.config.name or ""
            for sequence in range(info.state.first_seq, info.state.last_seq + 1):
                try:
                    message = await jetstream.get_msg(name, sequence)
                except NotFoundError:
                    continue  # deleted
                where = f"{name}#{sequence}"
                self.look_at(message.subject or "", kind="messages", where=f"{where} subject")
                self.look_at(message.data or b"", kind="messages", where=where)
                for header, value in (message.headers or {}).items():
                    self.look_at(value, kind="messages", where=f"{where} {header}")

    async def cache(self, url: str) -> None:
        """
        Look at every key of a cache server, and what it holds.
        """
        client = Redis.from_url(url)
        try:
            async for key in client.scan_iter(count=1_000):
                self.look_at(key, kind="keys", where="a key of the cache")
                async for value in _values_of(client, key):
                    self.look_at(value, kind="keys", where=f"cache {key[:40]!r}")
        finally:
            await client.aclose()


async def _values_of(client: "Redis", key: bytes) -> AsyncIterator[bytes]:
    match await client.type(key):
        case b"string":
            value = await client.get(key)
            if value is not None:
                yield value
        case b"hash":
            for name, value in (await client.hgetall(key)).items():
                yield name
                yield value
        case b"list":
            for value in await client.lrange(key, 0, -1):
                yield value
        case b"set":
            for value in await client.smembers(key):
                yield value
        case b"zset":
            for value in await client.zrange(key, 0, -1):
                yield value
        case b"none":
            pass  # gone meanwhile
        case other:
            raise AssertionError(f"nobody looks into a {other!r}")


def cards_in(data: bytes) -> Iterator[str]:
    """
    Yield the issuers of the card numbers in *data*.
    """
    for match in _NUMBER.finditer(_MADE_HERE.sub(b"x", data)):
        groups = re.split(rb"[ -]", match.group())
        for first in range(len(groups)):
            for last in range(first + 1, len(groups) + 1):
                digits = b"".join(groups[first:last]).decode()
                if _FEWEST <= len(digits) <= _MOST and _passes_luhn(digits):
                    yield from _issuers_of(digits)


def parts_of(data: bytes) -> Iterator[bytes]:
    """
    Yield what stands in *data* if it is a protobuf message: each field that has a length, and its
    parts. (Before a text stands its length, which may be taken for one more digit.)
    """
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7 if tag >> 3 else None:
            case 0:
                _, position = _varint(data, position)
            case 1:
                position += 8
            case 5:
                position += 4
            case 2:
                length, position = _varint(data, position)
                part = data[position : position + length]
                if len(part) < length:
                    return
                yield part
                yield from parts_of(part)
                position += length
            case _:
                return  # it is none, or no more


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        value |= (byte & 127) << shift
        position += 1
        if byte < 128:
            break
        shift += 7
    return value, position


def _passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _issuers_of(digits: str) -> Iterator[str]:
    for issuer, lengths, ranges in _ISSUERS:
        if len(digits) in lengths and any(
            low <= digits[: len(low)] <= high for low, high in ranges
        ):
            yield issuer
