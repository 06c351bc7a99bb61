"""Every reservation there is."""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Protocol

from chassis.kernel.errors import NotFound
from services.product.domain.reservation import Reservation
from services.product.domain.values import ReservationId


class ReservationNotFound(NotFound):
    pass


class Reservations(Protocol):
    """
    Every reservation there is. To lock one is as with stock items.

    All callers lock or begin reservations before they lock or save stock items.
    """

    async def find(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        """
        Return those of the reservations *ids* that exist, as they are now, without their shipments:
        to be shown, not to be changed.
        """
        ...

    async def claim(
        self, begun: Mapping[ReservationId, Reservation]
    ) -> Mapping[ReservationId, Reservation]:
        """
        Return the reservations with the ids of *begun*, locked: the ones that were there, and
        of the others the begun ones, which are saved now. Of two transactions that begin the
        same one, the second waits for the first and then finds its reservation.
        """
        ...

    async def lock(self, ids: Set[ReservationId]) -> Mapping[ReservationId, Reservation]:
        """
        Return those of the reservations *ids* that exist, locked.
        """
        ...

    async def lock_overdue(
        self, now: datetime, *, limit: int, besides: Set[ReservationId]
    ) -> Mapping[ReservationId, Reservation]:
        """
        Return up to *limit* overdue holds *besides* some, locked; leave out what somebody else
        has locked.
        """
        ...

    async def save(self, reservations: Sequence[Reservation]) -> None:
        """
        Write those of *reservations* that are new or have changed.

        Raises:
            Conflict: Now or at the end of the transaction: somebody else has begun one of the new
                ones meanwhile; nothing is written then.
        """
        ...

    async def forget(self, reservations: Sequence[Reservation]) -> None:
        """
        Undo the claim of *reservations* that came to nothing: their ids may be used again.
        """
        ...
