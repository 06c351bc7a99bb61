"""Providers, kept in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, time
from typing import Any

import orjson
from sqlalchemy import Row, text

from chassis.kernel.money import Money
from chassis.storage.database import Transaction
from services.fulfillment.domain import refusals
from services.fulfillment.domain.calendar import WorkingHours
from services.fulfillment.domain.provider import Provider, ServiceTerms
from services.fulfillment.domain.values import ProviderId, ServiceLevel

_ALL = text("SELECT * FROM providers ORDER BY id")
_WITH_IDS = text("SELECT * FROM providers WHERE id = ANY(CAST(:ids AS text[])) ORDER BY id")
_PUT = text(
    """
    INSERT INTO providers (id, name, regions, rank, suspended, suspension_reason, terms,
        daily_capacity, hours)
    VALUES (:id, :name, CAST(:regions AS text[]), :rank, :suspended, :suspension_reason,
        CAST(CAST(:terms AS text) AS jsonb), :daily_capacity, CAST(CAST(:hours AS text) AS jsonb))
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, regions = excluded.regions,
        rank = excluded.rank, suspended = excluded.suspended,
        suspension_reason = excluded.suspension_reason, terms = excluded.terms,
        daily_capacity = excluded.daily_capacity, hours = excluded.hours
    """
)
_SUSPEND = text(
    """
    UPDATE providers SET suspended = :suspended, suspension_reason = :reason WHERE id = :id
    RETURNING *
    """
)


class SqlProviders:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> Sequence[Provider]:
        return [provider_from_row(row) for row in await self._tx.rows(_ALL)]

    async def with_ids(self, ids: Collection[ProviderId]) -> Sequence[Provider]:
        rows = await self._tx.rows(_WITH_IDS, {"ids": list(ids)})
        return [provider_from_row(row) for row in rows]

    async def put(self, provider: Provider) -> None:
        await self._tx.run(_PUT, row_from_provider(provider))

    async def suspend(self, provider_id: ProviderId, *, suspended: bool, reason: str) -> Provider:
        parameters = {"id": provider_id, "suspended": suspended, "reason": reason}
        rows = await self._tx.rows(_SUSPEND, parameters)
        if not rows:
            raise refusals.ProviderNotFound(f"there is no provider {provider_id}")
        return provider_from_row(rows[0])


def provider_from_row(row: Row[Any]) -> Provider:
    return Provider(
        id=ProviderId(row.id),
        name=row.name,
        regions=frozenset(row.regions),
        rank=row.rank,
        suspended=row.suspended,
        suspension_reason=row.suspension_reason,
        terms=tuple(_terms_from_json(terms) for terms in row.terms),
        daily_capacity=row.daily_capacity,
        hours=_hours_from_json(row.hours),
    )


def row_from_provider(provider: Provider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "name": provider.name,
        "regions": sorted(provider.regions),
        "rank": provider.rank,
        "suspended": provider.suspended,
        "suspension_reason": provider.suspension_reason,
        "terms": orjson.dumps([_json_from_terms(terms) for terms in provider.terms]).decode(),
        "daily_capacity": provider.daily_capacity,
        "hours": orjson.dumps(_json_from_hours(provider.hours)).decode(),
    }


def _terms_from_json(fields: Sequence[Any]) -> ServiceTerms:
    level, minor_units, currency, least, most = fields
    return ServiceTerms(
        service_level=ServiceLevel(level),
        cost=None if currency is None else Money(minor_units, currency),
        transit_days_min=least,
        transit_days_max=most,
    )


def _json_from_terms(terms: ServiceTerms) -> list[Any]:
    cost = (terms.cost.minor_units, terms.cost.currency) if terms.cost else (None, None)
    return [terms.service_level, *cost, terms.transit_days_min, terms.transit_days_max]


def _hours_from_json(fields: Mapping[str, Any]) -> WorkingHours:
    return WorkingHours(
        time_zone=fields["time_zone"],
        weekdays=frozenset(fields["weekdays"]),
        cutoff=time.fromisoformat(fields["cutoff"]),
        holidays=frozenset(date.fromisoformat(day) for day in fields["holidays"]),
    )


def _json_from_hours(hours: WorkingHours) -> dict[str, Any]:
    return {
        "time_zone": hours.time_zone,
        "weekdays": sorted(hours.weekdays),
        "cutoff": hours.cutoff.isoformat("minutes"),
        "holidays": [day.isoformat() for day in sorted(hours.holidays)],
    }
