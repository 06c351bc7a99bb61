"""Locations, kept in PostgreSQL."""

from collections.abc import Mapping, Sequence, Set
from typing import Any

from sqlalchemy import Row, text

from chassis.storage.bulk import insert_missing_rows, update_rows
from chassis.storage.database import Transaction
from services.product.adapters import tables
from services.product.domain.location import (
    MOST_LOCATIONS,
    Location,
    LocationNotFound,
    LocationsFull,
    LocationState,
)
from services.product.domain.values import LocationId

_COLUMNS = "id, version, name, priority, state"
_ALL = text(f"SELECT {_COLUMNS} FROM locations ORDER BY priority, id")
_OF = text(f"SELECT {_COLUMNS} FROM locations WHERE id = ANY(CAST(:ids AS text[]))")
_LOCK = text(f"SELECT {_COLUMNS} FROM locations WHERE id = :id FOR NO KEY UPDATE")
# Nobody else creates one while we count; what is there can be read all the same.
_LOCK_ALL = text("LOCK TABLE locations IN SHARE ROW EXCLUSIVE MODE")
_COUNT = text("SELECT count(*) AS locations FROM locations")


class SqlLocations:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def all(self) -> Sequence[Location]:
        return [location_from_row(row) for row in await self._tx.rows(_ALL)]

    async def of(self, ids: Set[LocationId]) -> Mapping[LocationId, Location]:
        found = await self._tx.rows(_OF, {"ids": list(ids)})
        return {LocationId(row.id): location_from_row(row) for row in found}

    async def add(self, location: Location) -> Location:
        await self._tx.run(_LOCK_ALL)
        rows = [row_from_location(location)]
        if not await insert_missing_rows(self._tx, tables.locations, rows, returning="id"):
            return (await self.of({location.id}))[location.id]
        ((count,),) = await self._tx.rows(_COUNT)
        if count > MOST_LOCATIONS:
            raise LocationsFull(f"there are {MOST_LOCATIONS:,} locations already")
        return location

    async def lock(self, location_id: LocationId) -> Location:
        rows = await self._tx.rows(_LOCK, {"id": location_id})
        if not rows:
            raise LocationNotFound(f"there is no location {location_id}")
        return location_from_row(rows[0])

    async def save(self, location: Location) -> None:
        rows = [row_from_location(location)]
        await update_rows(self._tx, tables.locations, rows, key=("id",), version="version")


def location_from_row(row: Row[Any]) -> Location:
    return Location(
        id=LocationId(row.id),
        version=row.version,
        name=row.name,
        priority=row.priority,
        state=LocationState(row.state),
    )


def row_from_location(location: Location) -> Mapping[str, Any]:
    return {
        "id": location.id,
        "version": location.version,
        "name": location.name,
        "priority": location.priority,
        "state": location.state.value,
    }
