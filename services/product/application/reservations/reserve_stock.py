"""Use case: hold goods for orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.errors import Conflict, DomainError
from chassis.kernel.text import Sku
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.reservation import DEFAULT_HOLD, Reservation
from services.product.domain.stock import FROM_ANYWHERE, Sourcing, Stock
from services.product.domain.values import Lines, ReservationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveStock:
    """
    Attributes:
        duration: How long the hold lasts.
        sourcing: Where the goods may come from. It is no part of what is promised: who asks again
            with another one is answered with what is held.
        trace: The W3C `traceparent` of the order's story; empty if it is not traced.
    """

    reservation_id: ReservationId
    lines: Lines
    duration: timedelta = DEFAULT_HOLD
    sourcing: Sourcing = FROM_ANYWHERE
    trace: str = ""


async def reserve_stock(
    commands: Sequence[ReserveStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    """
    Hold goods for many orders, each all or nothing, in the order asked.

    Goods that many want are mostly there for all who want them now: so the stock is looked at,
    not locked, and what the reservations take is subtracted as the last thing before the commit,
    if it is still there. Only if it is not, or if a hold has run out that nobody has ended yet, is
    everybody else kept waiting from the look to the commit.

    Safe to repeat: a reservation is saved under its id in the transaction that takes the goods;
    who asks again finds it and is answered from it, without a lock.
    """
    answers = await _at_a_glance(commands, uow=uow, clock=clock)
    if answers is None:
        answers = await _under_locks(commands, uow=uow, clock=clock)
    return answers


async def _at_a_glance(
    commands: Sequence[ReserveStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError] | None:
    """
    Return `None`, with nothing held, if it takes a closer look.
    """
    try:
        async with uow() as tx:
            known = await tx.reservations.find({command.reservation_id for command in commands})
            stock = Stock(await tx.stock_items.of(_wanted(commands)))
            now = clock()
            if any(reservation.is_overdue(now) for reservation in known.values()):
                return None
            begun: dict[ReservationId, Reservation] = {}
            answers = [_reserve(command, known, begun, stock, now) for command in commands]
            await tx.reservations.save(list(begun.values()))
            await tx.stock_items.save(stock.moved)
    except Conflict:
        # Others have taken the goods meanwhile, or begun one of these reservations.
        return None
    return answers


def _reserve(
    command: ReserveStock,
    known: Mapping[ReservationId, Reservation],
    begun: dict[ReservationId, Reservation],
    stock: Stock,
    now: datetime,
) -> Reservation | DomainError:
    id_ = command.reservation_id
    if there := known.get(id_) or begun.get(id_):
        return _hold(command, there, stock, now)
    reservation = _begun(command, now)
    answer = _hold(command, reservation, stock, now)
    if answer is reservation:
        begun[id_] = reservation
    return answer


async def _under_locks(
    commands: Sequence[ReserveStock], *, uow: UnitOfWork, clock: Clock
) -> Sequence[Reservation | DomainError]:
    async with uow() as tx:
        now = clock()
        # From the last, so that of two with one id the first one stays.
        begun = {command.reservation_id: _begun(command, now) for command in reversed(commands)}
        reservations = await tx.reservations.claim(begun)
        # Those of earlier reservations too: one of them may be overdue and give them back.
        taken = {place.sku for known in reservations.values() for place in known.places}
        stock = Stock(await tx.stock_items.lock_skus(taken.union(_wanted(commands))))
        answers = [_hold(c, reservations[c.reservation_id], stock, now) for c in commands]
        refused = [r for r in reservations.values() if r.is_empty]
        await tx.reservations.forget(refused)
        await tx.reservations.save([r for r in reservations.values() if not r.is_empty])
        await tx.stock_items.save(stock.moved)
    return answers


def _begun(command: ReserveStock, now: datetime) -> Reservation:
    return Reservation.begin(
        command.reservation_id, expires_at=now + command.duration, trace=command.trace
    )


def _wanted(commands: Sequence[ReserveStock]) -> Sequence[Sku]:
    return list({sku for command in commands for sku in command.lines})


def _hold(
    command: ReserveStock, reservation: Reservation, stock: Stock, now: datetime
) -> Reservation | DomainError:
    try:
        reservation.hold(command.lines, stock, now=now, sourcing=command.sourcing)
    except DomainError as refusal:
        return refusal
    return reservation
