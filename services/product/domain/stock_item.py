"""The StockItem aggregate: how much of one SKU there is at one location, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.domain.events import (
    StockDepleted,
    StockItemEvent,
    StockReceived,
    StockReplenished,
)
from services.product.domain.values import LocationId, Place, StockItemId, stock_item_id


class MovementKind(StrEnum):
    """
    Why the counts of a stock item changed. Goods: RECEIVED, SHIPPED; claims on them: the others.
    """

    RECEIVED = "RECEIVED"
    SHIPPED = "SHIPPED"
    HELD = "HELD"
    ALLOCATED = "ALLOCATED"
    RELEASED = "RELEASED"


class CauseType(StrEnum):
    RECEIPT = "RECEIPT"
    RESERVATION = "RESERVATION"
    SHIPMENT = "SHIPMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    What moved the stock, and when.
    """

    type: CauseType
    id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMovement:
    """
    One change of a stock item's counts. Their sums, over all movements, are the counts.
    """

    kind: MovementKind
    cause: Cause
    on_hand: int
    held: int
    allocated: int
    damaged: int


class StockOverdrawn(RuntimeError):
    """
    A movement would take more than there is. No request can ask for that: it is a bug.
    """


@dataclass(kw_only=True, eq=False)
class StockItem(Aggregate[StockItemEvent]):
    """
    The stock of one SKU at one location, in units. Every change is a movement in its journal.

    Attributes:
        on_hand: Units that are there, promised or not.
        held: Promised to reservations that are not confirmed.
        allocated: Promised to confirmed reservations.
        damaged: On hand but not sellable.
        priority: Of its location: the lowest serves first.
        is_open: Whether anything new may be reserved from its location.
    """

    id: StockItemId
    sku: Sku
    location_id: LocationId
    on_hand: int = 0
    held: int = 0
    allocated: int = 0
    damaged: int = 0
    priority: int = 0
    is_open: bool = True
    _movements: list[StockMovement] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def empty(cls, place: Place) -> Self:
        """
        Return the stock of a SKU at a location where there was none before.
        """
        return cls(
            id=stock_item_id(place.sku, place.location_id),
            sku=place.sku,
            location_id=place.location_id,
        )

    @property
    def available(self) -> int:
        return self.on_hand - self.held - self.allocated - self.damaged

    def receive(self, quantity: Quantity, cause: Cause) -> None:
        """
        Book goods in.
        """
        self.record(
            StockReceived(
                sku=self.sku,
                location_id=self.location_id,
                quantity=quantity.units,
                on_hand=self.on_hand + quantity.units,
            )
        )
        self._move(MovementKind.RECEIVED, cause, on_hand=quantity.units)

    def hold(self, units: int, cause: Cause) -> None:
        self._move(MovementKind.HELD, cause, held=units)

    def allocate(self, units: int, cause: Cause) -> None:
        """
        Turn held units into allocated ones.
        """
        self._move(MovementKind.ALLOCATED, cause, held=-units, allocated=units)

    def release_held(self, units: int, cause: Cause) -> None:
        self._move(MovementKind.RELEASED, cause, held=-units)

    def release_allocated(self, units: int, cause: Cause) -> None:
        self._move(MovementKind.RELEASED, cause, allocated=-units)

    def ship(self, units: int, cause: Cause) -> None:
        """
        Book allocated units out.
        """
        self._move(MovementKind.SHIPPED, cause, on_hand=-units, allocated=-units)

    @property
    def has_moved(self) -> bool:
        return bool(self._movements)

    @property
    def movements(self) -> Sequence[StockMovement]:
        """
        The movements since the last save.
        """
        return self._movements

    def pull_movements(self) -> Sequence[StockMovement]:
        """
        Return the movements since the last save and forget them.
        """
        movements, self._movements = self._movements, []
        return movements

    def _move(
        self,
        kind: MovementKind,
        cause: Cause,
        *,
        on_hand: int = 0,
        held: int = 0,
        allocated: int = 0,
    ) -> None:
        # The only place where a count changes, so that none changes without its movement.
        before = self.available
        self.on_hand += on_hand
        self.held += held
        self.allocated += allocated
        if min(self.on_hand, self.held, self.allocated, self.available) < 0:
            raise StockOverdrawn(f"{kind} takes more of {self.sku} at {self.location_id} than is")
        self._movements.append(
            StockMovement(
                kind=kind,
                cause=cause,
                on_hand=on_hand,
                held=held,
                allocated=allocated,
                damaged=0,
            )
        )
        self._tell_turn(before)

    def _tell_turn(self, before: int) -> None:
        """
        Tell if the last of it has just gone, or some of it can be ordered again.
        """
        available = self.available
        if before and not available:
            self.record(StockDepleted(sku=self.sku, location_id=self.location_id))
        elif available and not before:
            self.record(
                StockReplenished(sku=self.sku, location_id=self.location_id, available=available)
            )
