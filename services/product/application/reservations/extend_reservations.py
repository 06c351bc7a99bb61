"""Use case: goods are held for orders a while longer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.product.application.ports.reservations import ReservationNotFound
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.reservation import Reservation
from services.product.domain.stock import Stock
from services.product.domain.values import ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendReservation:
    """
    Attributes:
        expires_at: Until when it is to last: at most `LONGEST_HOLD` from now.
    """

    reservation_id: ReservationId
    expires_at: datetime


async def extend_reservations(
    commands: Sequence[ExtendReservation], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Let holds last longer.

    Safe to repeat: the time asked for is absolute, and a hold never gets shorter. An overdue hold
    expires instead, whoever comes first, this or the timer.
    """
    async with uow() as tx:
        reservations = await tx.reservations.lock({c.reservation_id for c in commands})
        # Read after the wait for the locks: a hold may have run out meanwhile.
        now = clock()
        # The goods of the overdue ones only: nothing moves the others'.
        overdue = [known for known in reservations.values() if known.is_overdue(now)]
        places = {place for known in overdue for place in known.places}
        stock = Stock(await tx.stock_items.lock(places))
        answers = [_extend(c, reservations.get(c.reservation_id), stock, now) for c in commands]
        await tx.reservations.save(list(reservations.values()))
        await tx.stock_items.save(stock.moved)
    return answers


def _extend(
    command: ExtendReservation, reservation: Reservation | None, stock: Stock, now: datetime
) -> Reservation | DomainError:
    if reservation is None:
        return ReservationNotFound(f"there is no reservation {command.reservation_id}")
    try:
        reservation.extend(command.expires_at, stock, now=now)
    except DomainError as refusal:
        return refusal
    return reservation
