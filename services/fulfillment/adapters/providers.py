"""Providers, kept in PostgreSQL."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, text

from chassis.storage.database import Transaction
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.values import ProviderId

_ALL = text("SELECT * FROM providers ORDER BY id")
_SERVING = text(
    """
    SELECT * FROM providers
    WHERE NOT suspended AND (regions = '{}' OR regions && CAST(:country_codes AS text[]))
    """
)
_PUT = text(
    """
    INSERT INTO providers (id, name, regions, rank, suspended)
    VALUES (:id, :name, CAST(:regions AS text[]), :rank, :suspended)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, regions = excluded.regions,
        rank = excluded.rank, suspended = excluded.suspended
    """
)


class SqlProviders:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> Sequence[Provider]:
        return [provider_from_row(row) for row in await self._tx.rows(_ALL)]

    async def serving(self, country_codes: Collection[str]) -> Sequence[Provider]:
        rows = await self._tx.rows(_SERVING, {"country_codes": list(country_codes)})
        return [provider_from_row(row) for row in rows]

    async def put(self, provider: Provider) -> None:
        await self._tx.run(_PUT, row_from_provider(provider))


def provider_from_row(row: Row[Any]) -> Provider:
    return Provider(
        id=ProviderId(row.id),
        name=row.name,
        regions=frozenset(row.regions),
        rank=row.rank,
        suspended=row.suspended,
    )


def row_from_provider(provider: Provider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "regions": sorted(provider.regions),
        "rank": provider.rank,
        "suspended": provider.suspended,
    }
