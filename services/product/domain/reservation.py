"""
The Reservation aggregate: goods promised to one order.

    HELD ──→ CONFIRMED ──→ CONSUMED
     │ │         │
     │ └→ EXPIRED│
     └──────────→┴→ RELEASED

Each verb changes the reservation and moves its stock in one step, and may be asked twice.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import RuleViolated
from services.product.domain.allocation import (
    Allocation,
    Shipment,
    allocations_kept,
    allocations_less,
    goods_of,
    were_made_for,
)
from services.product.domain.events import (
    ReservationConfirmed,
    ReservationEvent,
    ReservationExpired,
    ReservationExtended,
    ReservationReduced,
    ReservationReleased,
    StockReserved,
    StockShipped,
)
from services.product.domain.movement import Cause, CauseType
from services.product.domain.stock import FROM_ANYWHERE, Sourcing, Stock
from services.product.domain.values import (
    Goods,
    Kept,
    Lines,
    Place,
    ReservationId,
    ReservationState,
    ShipmentId,
)

DEFAULT_HOLD = timedelta(minutes=10)
LONGEST_HOLD = timedelta(hours=24)


class ReservationMismatch(RuleViolated):
    pass


class ReservationNotConfirmed(RuleViolated):
    pass


class ReservationConsumed(RuleViolated):
    pass


class ShipmentMismatch(RuleViolated):
    pass


class ReservationWasReleased(RuleViolated):
    reason = "RESERVATION_RELEASED"  # the plain name is the event's


class ReservationIsConfirmed(RuleViolated):
    reason = "RESERVATION_CONFIRMED"  # the plain name is the event's


class ReservationHasExpired(RuleViolated):
    reason = "RESERVATION_EXPIRED"  # the plain name is the event's


@dataclass(kw_only=True, eq=False)
class Reservation(Aggregate[ReservationEvent]):
    """
    Goods promised to one order.

    Attributes:
        expires_at: When a HELD one ends by itself; `None` if it never held anything.
        allocations: Which location gives what; none before `hold`.
    """

    id: ReservationId
    state: ReservationState
    expires_at: datetime | None = None
    allocations: tuple[Allocation, ...] = ()
    shipments: dict[ShipmentId, Shipment] = field(default_factory=dict[ShipmentId, Shipment])

    @classmethod
    def begin(cls, reservation_id: ReservationId, *, expires_at: datetime, trace: str = "") -> Self:
        """
        Return a new reservation that holds nothing yet.
        """
        return cls(
            id=reservation_id, state=ReservationState.HELD, expires_at=expires_at, trace=trace
        )

    @classmethod
    def tombstone(cls, reservation_id: ReservationId) -> Self:
        """
        Return a reservation that was released before it was asked for, so that the asking, late
        on its way, is refused.
        """
        return cls(id=reservation_id, state=ReservationState.RELEASED)

    @property
    def is_empty(self) -> bool:
        """
        Whether it is begun and holds nothing yet.
        """
        return self.state is ReservationState.HELD and not self.allocations

    @property
    def places(self) -> set[Place]:
        """
        Where something is promised to it still.
        """
        return {a.place for a in self.allocations if a.left}

    def is_overdue(self, now: datetime) -> bool:
        return (
            self.state is ReservationState.HELD
            and self.expires_at is not None
            and self.expires_at <= now
        )

    def hold(
        self,
        lines: Lines,
        stock: Stock,
        *,
        now: datetime,
        sourcing: Sourcing = FROM_ANYWHERE,
    ) -> None:
        """
        Take the goods for all of *lines* out of *stock*, or nothing at all.

        Asked again, it holds what it holds, wherever else the goods could come from now, and also
        if some were given back since; unless that is overdue, which then expires here.

        Raises:
            OutOfStock: There is too little of something.
            ReservationMismatch: It holds goods for other lines.
            ReservationWasReleased: It was released, perhaps before this was asked.
            ReservationHasExpired: It has run out.
        """
        self._demand_alive(stock, now)
        if self.is_empty:
            self._take(stock.source(lines, sourcing), stock, now)
        elif not were_made_for(self.allocations, lines):
            raise ReservationMismatch(f"reservation {self.id} was made for other lines")

    def extend(self, expires_at: datetime, stock: Stock, *, now: datetime) -> None:
        """
        Let the hold last until *expires_at*; one that lasts longer already stays as it is. An
        overdue one expires here.

        Raises:
            ReservationIsConfirmed: It no longer expires.
            ReservationWasReleased: Its goods were given back.
            ReservationHasExpired: They were given back because it ran out.
        """
        self._demand_alive(stock, now)
        if self.state is not ReservationState.HELD:
            raise ReservationIsConfirmed(f"reservation {self.id} no longer expires")
        assert self.expires_at is not None
        if expires_at > self.expires_at:
            self.expires_at = expires_at
            self.record(ReservationExtended(reservation_id=self.id, expires_at=expires_at))

    def confirm(self, stock: Stock, *, now: datetime) -> None:
        """
        Turn the hold into an allocation that does not expire. An overdue one expires here,
        whether or not the timer has come round: its goods are given back, once.

        Raises:
            ReservationWasReleased: Its goods were given back.
            ReservationHasExpired: They were given back because it ran out.
        """
        self._demand_alive(stock, now)
        if self.state is not ReservationState.HELD:
            return
        for a in self.allocations:
            if a.left:
                stock.at(a.sku, a.location_id).allocate(a.left, self._cause(now))
        self.state = ReservationState.CONFIRMED
        self.record(ReservationConfirmed(reservation_id=self.id))

    def reduce(self, kept: Kept, stock: Stock, *, now: datetime) -> None:
        """
        Give back all but *kept*; where it has less, it stays so. An overdue one expires here.

        Raises:
            AlreadyShipped: More than that has shipped.
            ReservationMismatch: It has nothing of what it shall keep.
            ReservationWasReleased, ReservationHasExpired: Its goods were given back.
        """
        self._demand_alive(stock, now)
        after = allocations_kept(self.allocations, kept, of=self.id)
        if after == self.allocations:
            return
        if not goods_of(after):
            raise ReservationMismatch(f"reservation {self.id} has nothing of what it shall keep")
        for had, has in zip(self.allocations, after, strict=True):
            self._give_back(had, had.quantity - has.quantity, stock, now)
        self.allocations = after
        if not self.places:
            self.state = ReservationState.CONSUMED
        self.record(ReservationReduced(reservation_id=self.id, goods=goods_of(after)))

    def release(self, stock: Stock, *, now: datetime) -> None:
        """
        Give back the goods that have not shipped. What was given back already stays so.

        Raises:
            ReservationConsumed: All have shipped: only a return brings them back.
        """
        if self.state is ReservationState.CONSUMED:
            raise ReservationConsumed(f"the goods of reservation {self.id} have shipped")
        if self.state not in (ReservationState.HELD, ReservationState.CONFIRMED):
            return
        self._give_back_all(stock, now)
        self.state = ReservationState.RELEASED
        self.record(ReservationReleased(reservation_id=self.id))

    def expire_if_overdue(self, stock: Stock, *, now: datetime) -> None:
        """
        Give the goods back if the hold has run out.
        """
        if not self.is_overdue(now):
            return
        self._give_back_all(stock, now)
        self.state = ReservationState.EXPIRED
        self.record(ReservationExpired(reservation_id=self.id))

    def ship(self, shipment: Shipment, stock: Stock, *, now: datetime) -> None:
        """
        Book out what left in *shipment*; a shipment that was booked is not booked again.

        Raises:
            ReservationNotConfirmed: Nothing is allocated to it.
            ShippedTooMuch: That much is not allocated, or no longer, at the shipment's location.
            ShipmentMismatch: A shipment with this id took other goods.
        """
        if booked := self.shipments.get(shipment.id):
            if booked != shipment:
                raise ShipmentMismatch(f"shipment {shipment.id} was booked with other goods")
            return
        if self.state not in (ReservationState.CONFIRMED, ReservationState.CONSUMED):
            raise ReservationNotConfirmed(f"reservation {self.id} is {self.state}")
        self.allocations = allocations_less(self.allocations, shipment, of=self.id)
        cause = Cause(type=CauseType.SHIPMENT, id=shipment.id, at=now)
        for sku, quantity in shipment.lines.items():
            stock.at(sku, shipment.location_id).ship(quantity.units, cause)
        self.shipments[shipment.id] = shipment
        if not self.places:
            self.state = ReservationState.CONSUMED
        goods = shipment.goods
        self.record(StockShipped(reservation_id=self.id, shipment_id=shipment.id, goods=goods))

    def _take(self, goods: tuple[Goods, ...], stock: Stock, now: datetime) -> None:
        assert self.expires_at is not None
        for part in goods:
            stock.at(part.sku, part.location_id).hold(part.quantity, self._cause(now))
        self.allocations = tuple(
            Allocation(sku=part.sku, location_id=part.location_id, quantity=part.quantity)
            # In the order in which they are read back, so that every answer looks the same.
            for part in sorted(goods, key=lambda part: (part.sku, part.location_id))
        )
        self.record(StockReserved(reservation_id=self.id, goods=goods, expires_at=self.expires_at))

    def _give_back_all(self, stock: Stock, now: datetime) -> None:
        for a in self.allocations:
            self._give_back(a, a.left, stock, now)

    def _give_back(self, a: Allocation, units: int, stock: Stock, now: datetime) -> None:
        if units:
            item, is_held = stock.at(a.sku, a.location_id), self.state is ReservationState.HELD
            release = item.release_held if is_held else item.release_allocated
            release(units, self._cause(now))

    def _demand_alive(self, stock: Stock, now: datetime) -> None:
        self.expire_if_overdue(stock, now=now)
        if self.state is ReservationState.RELEASED:
            raise ReservationWasReleased(f"reservation {self.id} was released")
        if self.state is ReservationState.EXPIRED:
            raise ReservationHasExpired(f"reservation {self.id} ran out at {self.expires_at}")

    def _cause(self, now: datetime) -> Cause:
        return Cause(type=CauseType.RESERVATION, id=self.id, at=now)
