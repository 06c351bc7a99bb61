"""Use case: orders no longer need the goods reserved for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.reservation import Reservation
from services.product.domain.stock import Stock
from services.product.domain.values import ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReservation:
    reservation_id: ReservationId


async def release_reservations(
    commands: Sequence[ReleaseReservation], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Give held or allocated goods back.

    Safe to repeat: what was given back stays so. An unknown id is claimed by a tombstone, as a
    reservation under it may still be on its way: it then finds the tombstone and is refused.
    """
    async with uow() as tx:
        reservations = await tx.reservations.claim(
            {c.reservation_id: Reservation.tombstone(c.reservation_id) for c in commands}
        )
        places = {place for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock(places))
        now = clock()
        answers = [_release(reservations[c.reservation_id], stock, now) for c in commands]
        await tx.reservations.save(list(reservations.values()))
        await tx.stock_items.save(stock.moved)
    return answers


def _release(reservation: Reservation, stock: Stock, now: datetime) -> Reservation | DomainError:
    try:
        reservation.release(stock, now=now)
    except DomainError as refusal:
        return refusal
    return reservation
