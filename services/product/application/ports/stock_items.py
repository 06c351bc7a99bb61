"""Every stock item there is."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from chassis.kernel.text import Sku
from services.product.domain.movement import StockMovement
from services.product.domain.stock_item import StockItem
from services.product.domain.values import LocationId, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """
    A movement as it stands in the journal; later ones have higher positions.
    """

    position: int
    place: Place
    movement: StockMovement


class StockItems(Protocol):
    """
    Every stock item there is.

    To lock is to wait until nobody else changes them, and to keep all others waiting until this
    transaction ends. All callers lock in one order and after the reservations they lock: so no
    two transactions ever wait for each other.
    """

    async def of(self, skus: Sequence[Sku]) -> Sequence[StockItem]:
        """
        Return the stock items of *skus* at all locations, as they are now.
        """
        ...

    async def available(self, skus: Sequence[Sku]) -> Mapping[Sku, int]:
        """
        Return how much of each of *skus* can be ordered, over all locations; unknown ones are left
        out.
        """
        ...

    async def lock_skus(self, skus: Set[Sku]) -> Sequence[StockItem]:
        """
        Return the stock items of *skus* at all locations, locked.
        """
        ...

    async def lock(self, places: Set[Place]) -> Sequence[StockItem]:
        """
        Return the stock items at *places*, locked.
        """
        ...

    async def open(
        self, places: Set[Place], *, beside: Set[Place] = frozenset()
    ) -> Sequence[StockItem]:
        """
        Return the stock items at *places*, locked, empty ones where there were none; and those at
        *beside* where there are some. An empty one is kept if it is saved.
        """
        ...

    async def journal(
        self, sku: Sku, location_id: LocationId | None, *, before: int | None, limit: int
    ) -> Sequence[JournalEntry]:
        """
        Return up to *limit* movements of *sku*, at one location or at all, the latest first; those
        before a position if one is given.
        """
        ...

    async def save(self, items: Sequence[StockItem]) -> None:
        """
        Write the movements of *items*, and change their counts by them, at the end of the
        transaction.

        Raises:
            Conflict: At the end of the transaction: *items* were not locked, and meanwhile others
                have taken what these movements take; nothing is written then.
        """
        ...
