"""Reservations, kept in PostgreSQL."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.events.outbox import Outbox
from chassis.kernel.errors import Conflict
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.storage.aggregates import save_aggregates
from chassis.storage.bulk import insert_missing_rows, insert_rows, update_rows
from chassis.storage.database import Transaction
from services.product.adapters import tables
from services.product.domain.allocation import Allocation, Shipment
from services.product.domain.reservation import Reservation
from services.product.domain.values import LocationId, ReservationId, ReservationState, ShipmentId
from services.product.wire.events import event_to_wire

_COLUMNS = "id, version, event_count, trace, state, expires_at"
_LOCK = text(
    f"""
    SELECT {_COLUMNS} FROM reservations WHERE id = ANY(CAST(:ids AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
    """
)
# What is locked is at work elsewhere: perhaps it is being confirmed, perhaps another replica
# expires it. It will be due in the next round if it still is.
_LOCK_OVERDUE = text(
    f"""
    SELECT {_COLUMNS} FROM reservations
    WHERE state = 'HELD' AND expires_at <= CAST(:now AS timestamptz)
        AND id <> ALL(CAST(:besides AS uuid[]))
    ORDER BY expires_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    """
)
_ALLOCATIONS = text(
    """
    SELECT reservation_id, sku, location_id, quantity, shipped, given_back
    FROM reservation_allocations
    WHERE reservation_id = ANY(CAST(:ids AS uuid[]))
    """
)
_SHIPMENTS = text(
    """
    SELECT reservation_id, shipment_id, location_id, lines FROM reservation_shipments
    WHERE reservation_id = ANY(CAST(:ids AS uuid[]))
    """
).columns(lines=JSONB)

_FORGET = text("DELETE FROM reservations WHERE id = ANY(CAST(:ids AS uuid[]))")
_FIND = text(f"SELECT {_COLUMNS} FROM reservations WHERE id = ANY(CAST(:ids AS uuid[]))")

_MAY_HAVE_SHIPPED = {
    ReservationState.CONFIRMED,
    ReservationState.CONSUMED,
    ReservationState.RELEASED,
}


class SqlReservations:
    """
    Saves reservations and their events together, or none. Writes only what has changed since it
    was read in the same transaction.
    """

    def __init__(self, tx: Transaction, outbox: Outbox) -> None:
        self._tx = tx
        self._outbox = outbox
        self._rows: dict[ReservationId, Mapping[str, Any]] = {}
        self._allocations: dict[ReservationId, tuple[Allocation, ...]] = {}
        self._shipments: dict[ReservationId, Set[ShipmentId]] = {}

    async def claim(
        self, begun: Mapping[ReservationId, Reservation]
    ) -> Mapping[ReservationId, Reservation]:
        # The insert decides who was first. It comes before any lock, in the order of ids: while
        # it waits for another transaction's insert, it holds nothing that the other one wants.
        for reservation in begun.values():
            reservation.version = 1
        rows = [row_from_reservation(begun[id_]) for id_ in sorted(begun)]
        inserted = await insert_missing_rows(self._tx, tables.reservations, rows, returning="id")
        new = {id_: reservation for id_, reservation in begun.items() if id_ in inserted}
        self._remember(new.values())
        known = await self.lock(begun.keys() - inserted)
        if len(new) + len(known) != len(begun):
            # Rows are deleted by `forget` only, which nobody else sees.
            raise Conflict("a reservation has vanished meanwhile")
        return {**new, **known}

    async def find(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        rows = await self._tx.rows(_FIND, {"ids": list(ids)})
        if not rows:
            return {}
        # Not joined: by ids the planner reads these rows only, however many others there are.
        allocations = await self._allocations_of([row.id for row in rows])
        found = [reservation_from_rows(row, allocations[row.id], ()) for row in rows]
        return {reservation.id: reservation for reservation in found}

    async def lock(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        if not ids:
            return {}
        return await self._whole(await self._tx.rows(_LOCK, {"ids": list(ids)}))

    async def lock_overdue(
        self, now: datetime, *, limit: int, besides: Set[ReservationId]
    ) -> Mapping[ReservationId, Reservation]:
        asked = {"now": now, "limit": limit, "besides": list(besides)}
        return await self._whole(await self._tx.rows(_LOCK_OVERDUE, asked))

    async def save(self, reservations: Sequence[Reservation]) -> None:
        for reservation in reservations:
            self._outbox.tell(reservation, event_to_wire)
        new = [r for r in reservations if r.version == 0]
        known = [r for r in reservations if r.version > 0]
        changed = [r for r in known if row_from_reservation(r) != self._rows[r.id]]
        await save_aggregates(self._tx, tables.reservations, [*new, *changed], row_from_reservation)
        taken = [r for r in changed if not self._allocations[r.id]]
        await self._insert_allocations([*new, *taken])
        await self._update_allocations([r for r in changed if self._allocations[r.id]])
        await self._insert_shipments(changed)

    async def forget(self, reservations: Sequence[Reservation]) -> None:
        if reservations:
            await self._tx.run(_FORGET, {"ids": [r.id for r in reservations]})

    async def _insert_allocations(self, reservations: Iterable[Reservation]) -> None:
        rows = [row_from_allocation(r.id, a) for r in reservations for a in r.allocations]
        await insert_rows(self._tx, tables.reservation_allocations, rows)

    async def _update_allocations(self, reservations: Iterable[Reservation]) -> None:
        rows = [
            {**row_from_allocation(r.id, allocation), "given_back": allocation.given_back}
            for r in reservations
            for allocation, before in zip(r.allocations, self._allocations[r.id], strict=True)
            if allocation is not before
        ]
        key = ("reservation_id", "sku", "location_id")
        await update_rows(self._tx, tables.reservation_allocations, rows, key=key)

    async def _insert_shipments(self, reservations: Iterable[Reservation]) -> None:
        rows = [
            row_from_shipment(r.id, shipment)
            for r in reservations
            for id_, shipment in r.shipments.items()
            if id_ not in self._shipments[r.id]
        ]
        await insert_rows(self._tx, tables.reservation_shipments, rows)

    async def _whole(self, rows: Sequence[Row[Any]]) -> Mapping[ReservationId, Reservation]:
        # The parts are read in statements of their own: one that waited for the lock of a root
        # sees that row as it is now, but rows it joins as they were when it began.
        allocations = await self._allocations_of([row.id for row in rows])
        shipments: dict[UUID, list[Shipment]] = defaultdict(list)
        if ids := [row.id for row in rows if row.state in _MAY_HAVE_SHIPPED]:
            for row in await self._tx.rows(_SHIPMENTS, {"ids": ids}):
                shipments[row.reservation_id].append(shipment_from_row(row))
        found = [reservation_from_rows(row, allocations[row.id], shipments[row.id]) for row in rows]
        self._remember(found)
        return {reservation.id: reservation for reservation in found}

    async def _allocations_of(self, ids: Sequence[UUID]) -> Mapping[UUID, list[Allocation]]:
        allocations: dict[UUID, list[Allocation]] = defaultdict(list)
        for row in await self._tx.rows(_ALLOCATIONS, {"ids": ids}) if ids else ():
            allocations[row.reservation_id].append(allocation_from_row(row))
        return allocations

    def _remember(self, reservations: Iterable[Reservation]) -> None:
        for reservation in reservations:
            self._rows[reservation.id] = row_from_reservation(reservation)
            self._allocations[reservation.id] = reservation.allocations
            self._shipments[reservation.id] = set(reservation.shipments)


def reservation_from_rows(
    row: Row[Any], allocations: Iterable[Allocation], shipments: Iterable[Shipment]
) -> Reservation:
    return Reservation(
        id=ReservationId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        state=ReservationState(row.state),
        expires_at=row.expires_at,
        allocations=tuple(sorted(allocations, key=lambda a: (a.sku, a.location_id))),
        shipments={shipment.id: shipment for shipment in shipments},
    )


def allocation_from_row(row: Row[Any]) -> Allocation:
    return Allocation(
        sku=Sku(row.sku),
        location_id=LocationId(row.location_id),
        quantity=row.quantity,
        shipped=row.shipped,
        given_back=row.given_back,
    )


def shipment_from_row(row: Row[Any]) -> Shipment:
    return Shipment(
        id=ShipmentId(row.shipment_id),
        location_id=LocationId(row.location_id),
        lines={Sku(sku): Quantity(units) for sku, units in row.lines.items()},
    )


def row_from_reservation(reservation: Reservation) -> Mapping[str, Any]:
    return {
        "id": reservation.id,
        "version": reservation.version,
        "event_count": reservation.event_count,
        "trace": reservation.trace,
        "state": reservation.state.value,
        "expires_at": reservation.expires_at,
    }


def row_from_allocation(reservation_id: ReservationId, allocation: Allocation) -> Mapping[str, Any]:
    """
    Return what a new one says; nothing of it was given back.
    """
    return {
        "reservation_id": reservation_id,
        "sku": allocation.sku,
        "location_id": allocation.location_id,
        "quantity": allocation.quantity,
        "shipped": allocation.shipped,
    }


def row_from_shipment(reservation_id: ReservationId, shipment: Shipment) -> Mapping[str, Any]:
    return {
        "reservation_id": reservation_id,
        "shipment_id": shipment.id,
        "location_id": shipment.location_id,
        "lines": {sku: quantity.units for sku, quantity in shipment.lines.items()},
    }
