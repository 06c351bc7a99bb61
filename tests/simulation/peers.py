"""
The other services, in memory: honest and idempotent, as the real ones are.

What was asked before is answered as before, by its id; what was given back before it was asked for
is refused from then on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chassis.kernel.clock import Clock
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.application.participants import Refused
from services.order.domain.order import Order
from services.order.domain.shipment import Shipment
from services.order.domain.values import Allocation, LocationId, OrderId, ShipmentId

NORTH, SOUTH, EAST = LocationId("north"), LocationId("south"), LocationId("east")
HOLD_LASTS = timedelta(minutes=10)

Place = tuple[Sku, LocationId]


def refused(reason: str) -> Refused:
    return Refused(reason=reason, passing=False)


@dataclass(slots=True)
class Reservation:
    """
    Attributes:
        left: What is held and has not shipped.
    """

    state: str
    allocations: tuple[Allocation, ...]
    expires_at: datetime
    left: Counter[Place]


@dataclass(slots=True)
class Product:
    """
    The stock. Half of each SKU lies in the north, the rest in the south; of chairs, some in the
    east.
    """

    clock: Clock
    reservations: dict[OrderId, Reservation] = field(default_factory=dict)
    shipped: dict[ShipmentId, Counter[Place]] = field(default_factory=dict)
    out_of_stock: set[OrderId] = field(default_factory=set)

    def reserve(self, order: Order, *, moody: bool) -> tuple[Allocation, ...] | Refused:
        known = self.of(order.id)
        if known is None:
            if moody:
                self.out_of_stock.add(order.id)
                return refused("OUT_OF_STOCK")
            known = self.reservations[order.id] = self._hold(order)
        if known.state in {"released", "expired"}:
            return refused(f"RESERVATION_{known.state.upper()}")
        return known.allocations

    def confirm(self, order: Order, *, moody: bool) -> Refused | None:
        known = self.of(order.id)
        if known is None:
            return refused("RESERVATION_NOT_FOUND")
        if moody and known.state == "held":
            known.state = "expired"
        if known.state in {"released", "expired"}:
            return refused(f"RESERVATION_{known.state.upper()}")
        known.state = "confirmed"
        return None

    def release(self, order: Order, *, moody: bool) -> Refused | None:
        if moody:
            return refused("RESERVATION_CONSUMED")
        known = self.of(order.id) or self._hold(order)
        if known.state not in {"expired"}:
            known.state = "released"
            known.left.clear()
        self.reservations[order.id] = known
        return None

    def reduce(self, item: tuple[Order, Sequence[Allocation]], *, moody: bool) -> Refused | None:
        order, allocations = item
        known = self.of(order.id)
        if moody or known is None:
            return refused("RESERVATION_NOT_FOUND")
        if known.state in {"released", "expired"}:
            return refused(f"RESERVATION_{known.state.upper()}")
        kept = Counter({(a.sku, a.location_id): a.units for a in allocations})
        shipped: Counter[Place] = Counter()
        for parcel in order.shipments:
            shipped.update(self.shipped.get(parcel, {}))
        if shipped - kept:
            return refused("ALREADY_SHIPPED")
        known.left &= kept - shipped
        return None

    def consume(self, parcel: tuple[Order, Shipment], *, moody: bool) -> Refused | None:
        order, shipment = parcel
        if shipment.id in self.shipped:
            return None
        known = self.of(order.id)
        if moody or known is None or known.state != "confirmed":
            return refused("RESERVATION_NOT_CONFIRMED")
        goods = Counter({(item.sku, shipment.location_id): item.units for item in shipment.goods})
        if goods - known.left:
            return refused("SHIPPED_TOO_MUCH")
        known.left -= goods
        self.shipped[shipment.id] = goods
        return None

    def of(self, order_id: OrderId) -> Reservation | None:
        known = self.reservations.get(order_id)
        if known and known.state == "held" and known.expires_at <= self.clock():
            known.state = "expired"
        if known and known.state == "expired":
            known.left.clear()
        return known

    def _hold(self, order: Order) -> Reservation:
        allocations = tuple(
            Allocation(sku=sku, location_id=location, units=units)
            for sku, ordered in order.units_ordered.items()
            for location, units in _sources(sku, ordered)
            if units
        )
        left = Counter({(a.sku, a.location_id): a.units for a in allocations})
        return Reservation("held", allocations, self.clock() + HOLD_LASTS, left)


def _sources(sku: Sku, ordered: int) -> Sequence[tuple[LocationId, int]]:
    east = ordered // 3 if sku == "CHAIR" else 0
    south = (ordered - east) // 2
    return (NORTH, ordered - east - south), (SOUTH, south), (EAST, east)


@dataclass(slots=True)
class Account:
    authorized: Money | None = None
    declined: bool = False
    closed: bool = False
    expired_at: datetime | None = None
    captures: dict[ShipmentId, Money] = field(default_factory=dict)

    @property
    def captured(self) -> int:
        return sum(amount.minor_units for amount in self.captures.values())

    @property
    def set_aside(self) -> int:
        """
        What is set aside, and neither taken nor given back.
        """
        if self.authorized is None or self.closed:
            return 0
        return self.authorized.minor_units - self.captured


@dataclass(slots=True)
class Payment:
    """
    The money.
    """

    accounts: dict[OrderId, Account] = field(default_factory=dict)

    def authorize(self, order: Order, *, moody: bool) -> Refused | None:
        account = self.of(order.id)
        if account.closed:
            return refused("PAYMENT_VOIDED")
        if account.authorized is None:
            account.declined = account.declined or moody
            if account.declined:
                return refused("PAYMENT_DECLINED")
            account.authorized = order.grand_total
        return None

    def capture(self, parcel: tuple[Order, Shipment], *, moody: bool) -> Refused | None:
        order, shipment = parcel
        account = self.of(order.id)
        if shipment.id in account.captures:
            return None
        if account.closed or account.authorized is None:
            return refused(_why_not(account))
        if moody:
            return refused("CAPTURE_DECLINED")
        if shipment.value.minor_units > account.set_aside:
            return refused("CAPTURE_EXCEEDS_AUTHORIZATION")
        account.captures[shipment.id] = shipment.value
        return None

    def capture_by_hand(self, order: Order, shipment: Shipment) -> None:
        """
        Take what is owed, by other means if what was set aside is gone.
        """
        account = self.of(order.id)
        if account.expired_at:
            account.captures.setdefault(shipment.id, shipment.value)
        else:
            self.capture((order, shipment), moody=False)

    def void(self, order: Order, *, moody: bool) -> Refused | None:
        if moody:
            return refused("VOID_DECLINED")
        self.of(order.id).closed = True
        return None

    def expire(self, order_id: OrderId, now: datetime) -> bool:
        """
        Give back what is set aside; return whether anything was.
        """
        account = self.of(order_id)
        if not account.set_aside:
            return False
        account.closed, account.expired_at = True, now
        return True

    def of(self, order_id: OrderId) -> Account:
        return self.accounts.setdefault(order_id, Account())


def _why_not(account: Account) -> str:
    if account.expired_at:
        return "AUTHORIZATION_EXPIRED"
    return "PAYMENT_VOIDED" if account.closed else "PAYMENT_NOT_AUTHORIZED"
