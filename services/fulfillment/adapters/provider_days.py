"""Providers' days, kept in PostgreSQL: one row for each provider and day."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text

from chassis.storage.database import Transaction, Write
from services.fulfillment.adapters import tables
from services.fulfillment.application.providers.ports import ProviderDay
from services.fulfillment.domain.performance import DAYS, Performance, ProviderNote
from services.fulfillment.domain.values import ProviderId

COUNTS = [f.name for f in fields(ProviderNote) if f.name not in ("provider_id", "day")]

_SUMS = ", ".join(f"sum({name}) AS {name}" for name in COUNTS if name != "taken")

# By the key alone, and never more than some 30 rows for each: it does not grow with history. What
# is filled lies ahead, or was yesterday somewhere.
_RECENT = text(
    f"""
    SELECT provider_id, {_SUMS},
        jsonb_object_agg(day, taken) FILTER (WHERE day >= :filled_from AND taken > 0) AS taken
    FROM provider_days
    WHERE provider_id = ANY(CAST(:ids AS text[])) AND day > :since
    GROUP BY provider_id
    """
)
_COLUMNS = ", ".join(COUNTS)
_ARRAYS = ", ".join(f"CAST(:{name} AS int[])" for name in COUNTS)
_ADDED = ", ".join(f"{name} = provider_days.{name} + excluded.{name}" for name in COUNTS)
_NOTE = f"""
    INSERT INTO provider_days (provider_id, day, {_COLUMNS})
    SELECT * FROM unnest(CAST(:provider_id AS text[]), CAST(:day AS date[]), {_ARRAYS})
    ON CONFLICT (provider_id, day) DO UPDATE SET {_ADDED}
"""
# Apart, as a row that takes something away can't stand on its own.
_GIVE_BACK = """
    UPDATE provider_days SET taken = provider_days.taken + given.taken
    FROM (SELECT * FROM unnest(CAST(:provider_id AS text[]), CAST(:day AS date[]),
        CAST(:taken AS int[])) AS given (id, given_day, taken)) AS given
    WHERE provider_id = id AND day = given_day
"""
# A day is locked by being written as it is, so that one that is new and one that is there are
# locked alike, and in one order.
_LOCK = text(
    f"""
    INSERT INTO provider_days (provider_id, day, {_COLUMNS})
    SELECT provider_id, day, {", ".join("0" for _ in COUNTS)}
    FROM unnest(CAST(:ids AS text[]), CAST(:days AS date[])) AS wanted (provider_id, day)
    ON CONFLICT (provider_id, day) DO UPDATE SET taken = provider_days.taken
    RETURNING provider_id, day, taken
    """
)


class SqlProviderDays:
    """
    Adds what is to be noted in one statement, in one global order of rows.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def recent(
        self, provider_ids: Collection[ProviderId], now: datetime
    ) -> Mapping[ProviderId, Performance]:
        today = now.date()
        parameters = {
            "ids": list(provider_ids),
            "since": today - timedelta(days=DAYS),
            "filled_from": today - timedelta(days=1),
        }
        rows = await self._tx.rows(_RECENT, parameters)
        return {ProviderId(row.provider_id): _performance_from_row(row) for row in rows}

    async def lock(self, days: Collection[ProviderDay]) -> Mapping[ProviderDay, int]:
        if not days:
            return {}
        ids, dates = zip(*sorted(days), strict=True)
        rows = await self._tx.rows(_LOCK, {"ids": list(ids), "days": list(dates)})
        return {(ProviderId(row.provider_id), row.day): row.taken for row in rows}

    async def note(self, notes: Sequence[ProviderNote]) -> None:
        await self._write(_NOTE, _added([n for n in notes if n.taken >= 0]), COUNTS)
        await self._write(_GIVE_BACK, _added([n for n in notes if n.taken < 0]), ["taken"])

    async def _write(
        self, sql: str, added: Mapping[ProviderDay, Mapping[str, int]], counts: Sequence[str]
    ) -> None:
        if not added:
            return
        days = sorted(added)
        parameters: dict[str, Any] = {
            "provider_id": [id_ for id_, _ in days],
            "day": [day for _, day in days],
            **{name: [added[day][name] for day in days] for name in counts},
        }
        write = Write(target=tables.provider_days.name, sql=sql, parameters=parameters)
        await self._tx.write(write)


def _added(notes: Sequence[ProviderNote]) -> Mapping[ProviderDay, Mapping[str, int]]:
    """
    Return what *notes* come to, by day.
    """
    sums: dict[ProviderDay, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    for note in notes:
        counts = sums[note.provider_id, note.day]
        for name in COUNTS:
            counts[name] += getattr(note, name)
    return sums


def _performance_from_row(row: Any) -> Performance:
    taken = {date.fromisoformat(day): count for day, count in (row.taken or {}).items()}
    counts = {name: int(getattr(row, name)) for name in COUNTS if name != "taken"}
    return Performance(**counts, taken=taken)
