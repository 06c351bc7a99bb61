"""Use case: goods have left the warehouse for their orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.product.application.ports.reservations import ReservationNotFound
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.allocation import Shipment
from services.product.domain.reservation import Reservation
from services.product.domain.stock import Stock
from services.product.domain.values import ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumeReservation:
    reservation_id: ReservationId
    shipment: Shipment


async def consume_reservations(
    commands: Sequence[ConsumeReservation], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Book shipped goods out of what is allocated to their orders.

    Safe to repeat: a reservation remembers its shipments, and books none twice.
    """
    async with uow() as tx:
        reservations = await tx.reservations.lock({c.reservation_id for c in commands})
        places = {place for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock(places))
        now = clock()
        answers = [_ship(c, reservations.get(c.reservation_id), stock, now) for c in commands]
        await tx.reservations.save(list(reservations.values()))
        await tx.stock_items.save(stock.moved)
    return answers


def _ship(
    command: ConsumeReservation, reservation: Reservation | None, stock: Stock, now: datetime
) -> Reservation | DomainError:
    if reservation is None:
        return ReservationNotFound(f"there is no reservation {command.reservation_id}")
    try:
        reservation.ship(command.shipment, stock, now=now)
    except DomainError as refusal:
        return refusal
    return reservation
