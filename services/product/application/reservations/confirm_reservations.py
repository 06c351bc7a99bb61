"""Use case: orders are confirmed, and what is held for them no longer expires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.reservation import Reservation, ReservationNotFound
from services.product.domain.stock import Stock
from services.product.domain.values import ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmReservation:
    reservation_id: ReservationId


async def confirm_reservations(
    commands: Sequence[ConfirmReservation], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Turn holds into allocations.

    Safe to repeat: what is confirmed stays so. A hold that is overdue expires instead, whoever
    comes first, this or the timer: both lock the reservation, and the second finds it expired.
    """
    async with uow() as tx:
        reservations = await tx.reservations.lock({c.reservation_id for c in commands})
        # Read after the wait for the locks: a hold may have run out meanwhile.
        now = clock()
        places = {place for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock(places))
        answers = [_confirm(c, reservations.get(c.reservation_id), stock, now) for c in commands]
        await tx.reservations.save(list(reservations.values()))
        await tx.stock_items.save(stock.moved)
    return answers


def _confirm(
    command: ConfirmReservation, reservation: Reservation | None, stock: Stock, now: datetime
) -> Reservation | DomainError:
    if reservation is None:
        return ReservationNotFound(f"there is no reservation {command.reservation_id}")
    try:
        reservation.confirm(stock, now=now)
    except DomainError as refusal:
        return refusal
    return reservation
