"""Use case: hold goods for orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.reservation import DEFAULT_HOLD, Reservation
from services.product.domain.stock import Stock
from services.product.domain.values import Lines, ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveStock:
    """
    Attributes:
        duration: How long the hold lasts.
    """

    reservation_id: ReservationId
    lines: Lines
    duration: timedelta = DEFAULT_HOLD


async def reserve_stock(
    commands: Sequence[ReserveStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Hold goods for many orders, each all or nothing, in the order asked.

    Safe to repeat: the claim of the id decides, in the transaction that takes the goods, who
    holds them; all who ask later find that reservation and are answered from it.
    """
    async with uow() as tx:
        now = clock()
        reservations = await tx.reservations.claim(
            {
                command.reservation_id: Reservation.begin(
                    command.reservation_id, expires_at=now + command.duration
                )
                # From the last, so that of two with one id the first one stays.
                for command in reversed(commands)
            }
        )
        wanted = {sku for command in commands for sku in command.lines}
        # Those of earlier reservations too: one of them may be overdue and give them back.
        taken = {place.sku for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock_skus(wanted | taken))
        answers = [
            _reserve(command, reservations[command.reservation_id], stock, now)
            for command in commands
        ]
        refused = [r for r in reservations.values() if r.is_empty]
        await tx.reservations.forget(refused)
        await tx.reservations.save([r for r in reservations.values() if not r.is_empty])
        await tx.stock_items.save(stock.moved)
    return answers


def _reserve(
    command: ReserveStock, reservation: Reservation, stock: Stock, now: datetime
) -> Reservation | DomainError:
    try:
        reservation.hold(command.lines, stock, now=now)
    except DomainError as refusal:
        return refusal
    return reservation
