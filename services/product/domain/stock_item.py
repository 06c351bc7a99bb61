"""The StockItem aggregate: how much of one SKU there is at one location, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import RuleViolated
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from services.product.domain.events import (
    StockAdjusted,
    StockDepleted,
    StockItemEvent,
    StockReceived,
    StockReplenished,
    StockReturned,
)
from services.product.domain.movement import Cause, MovementKind, StockMovement
from services.product.domain.values import LocationId, Place, StockItemId, stock_item_id


class StockCondition(StrEnum):
    """
    Whether units can be sold.
    """

    SELLABLE = "SELLABLE"
    DAMAGED = "DAMAGED"


class StockInsufficient(RuleViolated):
    pass


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

    def take_back(self, units: int, condition: StockCondition, cause: Cause) -> None:
        """
        Book in what came back from a customer.
        """
        is_damaged = condition is StockCondition.DAMAGED
        self.record(
            StockReturned(
                sku=self.sku,
                location_id=self.location_id,
                quantity=units,
                sellable=not is_damaged,
                on_hand=self.on_hand + units,
            )
        )
        damaged = units if is_damaged else 0
        self._move(MovementKind.RETURNED, cause, on_hand=units, damaged=damaged)

    def adjust(self, delta: int, condition: StockCondition, cause: Cause) -> None:
        """
        Correct how many units of *condition* there are.

        Raises:
            StockInsufficient: It takes more than are there and free.
        """
        if delta < 0:
            self._demand(-delta, condition)
        damaged = delta if condition is StockCondition.DAMAGED else 0
        self._change(MovementKind.ADJUSTED, cause, on_hand=delta, damaged=damaged)

    def count(self, on_hand: int, damaged: int | None, cause: Cause) -> int:
        """
        Set what is there to what was counted, and return by how much the books were wrong.

        Args:
            damaged: How many of them are damaged; `None`: as many as before.

        Raises:
            StockInsufficient: So few cannot be, as more is promised or damaged.
        """
        damaged_now = self.damaged if damaged is None else damaged
        promised = self.held + self.allocated
        if on_hand < promised + damaged_now:
            raise StockInsufficient(
                f"{on_hand} units of {self.sku} at {self.location_id} were counted, where"
                f" {promised} are promised and {damaged_now} damaged"
            )
        difference = on_hand - self.on_hand
        if difference or damaged_now != self.damaged:
            self._change(
                MovementKind.ADJUSTED,
                cause,
                on_hand=difference,
                damaged=damaged_now - self.damaged,
            )
        return difference

    def transfer_out(self, units: int, cause: Cause) -> None:
        """
        Raises:
            StockInsufficient: So many are not free.
        """
        self._demand(units, StockCondition.SELLABLE)
        self._change(MovementKind.TRANSFERRED_OUT, cause, on_hand=-units)

    def transfer_in(self, units: int, cause: Cause) -> None:
        self._change(MovementKind.TRANSFERRED_IN, cause, on_hand=units)

    def damage(self, units: int, cause: Cause) -> None:
        """
        Take sellable units out of sale.

        Raises:
            StockInsufficient: So many are not free.
        """
        self._demand(units, StockCondition.SELLABLE)
        self._change(MovementKind.DAMAGED, cause, damaged=units)

    def restore(self, units: int, cause: Cause) -> None:
        """
        Put damaged units back on sale.

        Raises:
            StockInsufficient: So many are not damaged.
        """
        self._demand(units, StockCondition.DAMAGED)
        self._change(MovementKind.RESTORED, cause, damaged=-units)

    def return_to_supplier(self, units: int, condition: StockCondition, cause: Cause) -> None:
        """
        Raises:
            StockInsufficient: So many of *condition* are not free.
        """
        self._demand(units, condition)
        damaged = -units if condition is StockCondition.DAMAGED else 0
        self._change(MovementKind.RETURNED_TO_SUPPLIER, cause, on_hand=-units, damaged=damaged)

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

    def _demand(self, units: int, condition: StockCondition) -> None:
        free = self.damaged if condition is StockCondition.DAMAGED else self.available
        if units > free:
            raise StockInsufficient(
                f"{units} {condition.lower()} units of {self.sku} at {self.location_id} are wanted"
                f" and {free} free"
            )

    def _change(
        self, kind: MovementKind, cause: Cause, *, on_hand: int = 0, damaged: int = 0
    ) -> None:
        self.record(
            StockAdjusted(
                sku=self.sku,
                location_id=self.location_id,
                kind=kind.value,
                reason=cause.reason,
                delta_on_hand=on_hand,
                delta_damaged=damaged,
                on_hand=self.on_hand + on_hand,
            )
        )
        self._move(kind, cause, on_hand=on_hand, damaged=damaged)

    def _move(
        self,
        kind: MovementKind,
        cause: Cause,
        *,
        on_hand: int = 0,
        held: int = 0,
        allocated: int = 0,
        damaged: int = 0,
    ) -> None:
        # The only place where a count changes, so that none changes without its movement.
        before = self.available
        self.on_hand += on_hand
        self.held += held
        self.allocated += allocated
        self.damaged += damaged
        if min(self.on_hand, self.held, self.allocated, self.damaged, self.available) < 0:
            raise StockOverdrawn(f"{kind} takes more of {self.sku} at {self.location_id} than is")
        self._movements.append(
            StockMovement(
                kind=kind,
                cause=cause,
                on_hand=on_hand,
                held=held,
                allocated=allocated,
                damaged=damaged,
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
