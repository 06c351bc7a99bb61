"""Use case: orders are confirmed, and what is held for them no longer expires."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from chassis.kernel.text import Sku
from services.product.application.ports.reservations import ReservationNotFound
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.allocation import goods_of
from services.product.domain.reservation import Reservation
from services.product.domain.stock import Stock
from services.product.domain.values import ReservationId, ReservationState


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
    Units are counted as sold when the hold becomes an allocation, so once, and after the commit;
    the counts of a process that dies then are lost.
    """
    async with uow() as tx:
        reservations = await tx.reservations.lock({c.reservation_id for c in commands})
        # Read after the wait for the locks: a hold may have run out meanwhile.
        now = clock()
        places = {place for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock(places))
        held = {r.id for r in reservations.values() if r.state is ReservationState.HELD}
        answers = [_confirm(c, reservations.get(c.reservation_id), stock, now) for c in commands]
        confirmed = [r for r in reservations.values() if r.state is ReservationState.CONFIRMED]
        await tx.reservations.save(list(reservations.values()))
        await tx.stock_items.save(stock.moved)
        tx.activity.count_sold(_units_of(r for r in confirmed if r.id in held), day=now.date())
    return answers


def _units_of(reservations: Iterable[Reservation]) -> Mapping[Sku, int]:
    units: Counter[Sku] = Counter()
    for reservation in reservations:
        for goods in goods_of(reservation.allocations):
            units[goods.sku] += goods.quantity
    return units


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
