"""Use case: orders need only some of the goods reserved for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.product.application.ports.reservations import ReservationNotFound
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.reservation import Reservation
from services.product.domain.stock import Stock
from services.product.domain.values import Kept, ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceReservation:
    """
    Attributes:
        kept: What it shall keep, shipped or not; of places that are not named, nothing.
    """

    reservation_id: ReservationId
    kept: Kept


async def reduce_reservations(
    commands: Sequence[ReduceReservation], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Give back some of what is held or allocated.

    Safe to repeat, and to come late: what is to be kept is absolute, and a reservation never gets
    larger. An overdue hold expires instead, whoever comes first, this or the timer.
    """
    async with uow() as tx:
        reservations = await tx.reservations.lock({c.reservation_id for c in commands})
        places = {place for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock(places))
        # Read after the wait for the locks: a hold may have run out meanwhile.
        now = clock()
        answers = [_reduce(c, reservations.get(c.reservation_id), stock, now) for c in commands]
        await tx.reservations.save(list(reservations.values()))
        await tx.stock_items.save(stock.moved)
    return answers


def _reduce(
    command: ReduceReservation, reservation: Reservation | None, stock: Stock, now: datetime
) -> Reservation | DomainError:
    if reservation is None:
        return ReservationNotFound(f"there is no reservation {command.reservation_id}")
    try:
        reservation.reduce(command.kept, stock, now=now)
    except DomainError as refusal:
        return refusal
    return reservation
