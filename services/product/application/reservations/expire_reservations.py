"""Use case: holds that nobody confirmed in time end."""

import logging
from collections.abc import Set
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from services.product.application.ports.transaction import UnitOfWork
from services.product.domain.stock import Stock
from services.product.domain.values import ReservationId

log = logging.getLogger(__name__)

BATCH = 200

# What is broken is tried again after so long: perhaps somebody has repaired it.
LEFT_OUT = timedelta(minutes=10)


class ReservationBroken(Exception):
    """
    The books do not say what a reservation says: it cannot expire. That is a bug.
    """

    def __init__(self, reservation_id: ReservationId) -> None:
        super().__init__(f"reservation {reservation_id} cannot expire")
        self.reservation_id = reservation_id


async def expire_reservations(
    *,
    uow: UnitOfWork,
    clock: Clock,
    limit: int = BATCH,
    broken: dict[ReservationId, datetime] | None = None,
) -> int:
    """
    Expire up to *limit* overdue holds, and return how many there were.

    Safe to run at any time in any number of replicas: each takes what no other has locked, and
    what was confirmed or released meanwhile is no longer overdue.

    Args:
        broken: Those whose goods could not be given back, and when that was: they are left out
            for a while. What is found to be so now is logged and added, so that one broken
            reservation keeps no other from expiring.
    """
    broken = {} if broken is None else broken
    now = clock()
    while True:
        left_out = {id_ for id_, found_at in broken.items() if found_at > now - LEFT_OUT}
        try:
            return await _expire(now, uow=uow, left_out=left_out, limit=limit)
        except ReservationBroken as error:
            # Everything is rolled back, also what the broken one had given back already.
            log.error("%s", error, exc_info=error.__cause__)
            broken[error.reservation_id] = now


async def _expire(
    now: datetime, *, uow: UnitOfWork, left_out: Set[ReservationId], limit: int
) -> int:
    async with uow() as tx:
        overdue = await tx.reservations.lock_overdue(now, limit=limit, besides=left_out)
        if not overdue:
            return 0
        places = {place for reservation in overdue.values() for place in reservation.places}
        stock = Stock(await tx.stock_items.lock(places))
        for reservation in overdue.values():
            try:
                reservation.expire_if_overdue(stock, now=now)
            except Exception as error:
                raise ReservationBroken(reservation.id) from error
        await tx.reservations.save(list(overdue.values()))
        await tx.stock_items.save(stock.moved)
    return len(overdue)
