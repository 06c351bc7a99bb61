"""What is known of an order, and what follows from it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from services.order.domain.cancellation import Cancellation
from services.order.domain.events import OrderEvent
from services.order.domain.order_change import OrderChange
from services.order.domain.order_return import OrderReturn
from services.order.domain.shipment import Shipment
from services.order.domain.timeline import TimelineEntry
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderCharge,
    OrderId,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    Reason,
    RequestState,
    ReturnId,
    ServiceLevel,
    ShipmentId,
)


@dataclass(kw_only=True, eq=False)
class OrderState(Aggregate[OrderEvent]):
    """
    The state of an `Order`.

    Attributes:
        authorized: The money that was set aside; zero before.
        refunded: What was paid back and stayed so, in minor units.
        payment_heard: The last event of the payment that was noted.
        allocations: Which location gives what, once stock is reserved.
        unfulfillable: Locations whose goods no provider wants to send.
        reason: Why it is being given up, or was.
        cancellation: `None` unless somebody asked for it.
        change: The last one that was asked for; `None` if there was none.
        returns: What came back or was claimed, once it was counted; the oldest first.
        for_return_id: The return that it makes good or is exchanged for, if any.
        news_count: How many entries its timeline has.
        news: The entries that are not saved yet.
        terms_changed: Whether what was agreed (lines, address) is not saved yet.
    """

    id: OrderId
    account_id: AccountId
    channel: Channel
    lines: tuple[OrderLine, ...]
    shipping: Money
    discount: Money
    authorized: Money
    ship_to: Address
    psp_token: str
    reference: str
    created_at: datetime
    updated_at: datetime
    shipping_lines: tuple[OrderCharge, ...] = ()
    discount_lines: tuple[OrderCharge, ...] = ()
    service_level: ServiceLevel = ServiceLevel.STANDARD
    status: OrderStatus = OrderStatus.PENDING
    payment_status: PaymentStatus = PaymentStatus.NONE
    fulfillment_status: FulfillmentStatus = FulfillmentStatus.UNFULFILLED
    allocations: tuple[Allocation, ...] = ()
    shipments: dict[ShipmentId, Shipment] = field(default_factory=dict)
    unfulfillable: tuple[LocationId, ...] = ()
    refunded: int = 0
    payment_heard: int = 0
    reason: Reason | None = None
    cancellation: Cancellation | None = None
    change: OrderChange | None = None
    returns: dict[ReturnId, OrderReturn] = field(default_factory=dict)
    for_return_id: ReturnId | None = None
    news_count: int = 0
    news: list[TimelineEntry] = field(default_factory=list, init=False, repr=False)
    terms_changed: bool = field(default=False, init=False, repr=False)

    @property
    def currency(self) -> str:
        return self.shipping.currency

    @property
    def items_total(self) -> Money:
        return Money(_minor_units(self.lines), self.currency)

    @property
    def grand_total(self) -> Money:
        return self.total_of(self.lines)

    @property
    def units_ordered(self) -> Counter[Sku]:
        units: Counter[Sku] = Counter()
        for line in self.lines:
            units[line.sku] += line.quantity.units
        return units

    @property
    def has_ended(self) -> bool:
        return self.status in {
            OrderStatus.COMPLETED,
            OrderStatus.REJECTED,
            OrderStatus.CANCELLED,
        }

    @property
    def uncaptured(self) -> tuple[Shipment, ...]:
        """
        The parcels that left and are not charged yet.
        """
        return tuple(s for s in self.shipments.values() if not s.captured)

    @property
    def has_lost_its_money(self) -> bool:
        """
        Whether what was set aside went back before any of it was taken.
        """
        return self.payment_status is PaymentStatus.VOIDED

    @property
    def is_dispatched(self) -> bool:
        """
        Whether all that will ever leave has left.
        """
        if not self.shipments:
            return False
        due: Counter[Sku] = Counter()
        for allocation in self.allocations:
            if allocation.location_id not in self.unfulfillable:
                due[allocation.sku] += allocation.units
        return self.units_dispatched >= due

    @property
    def is_delivered(self) -> bool:
        return all(s.delivered_at for s in self.shipments.values()) and self.is_dispatched

    @property
    def has_no_parcel_under_way(self) -> bool:
        """
        Whether all has left that will, and every parcel has arrived, was lost or turned back.
        """
        return all(s.has_ended for s in self.shipments.values()) and self.is_dispatched

    @property
    def is_free(self) -> bool:
        """
        Whether it costs nothing, so that payment never hears of it.
        """
        return not self.grand_total.minor_units

    @property
    def replaces(self) -> ReturnId | None:
        """
        The return whose goods it brings anew, paid for by another order; `None`: it does not.
        """
        return self.for_return_id if self.is_free else None

    @property
    def is_short(self) -> bool:
        """
        Whether some goods will never leave.
        """
        return any(a.location_id in self.unfulfillable for a in self.allocations)

    @property
    def goods(self) -> tuple[Goods, ...]:
        """
        All that is ordered.
        """
        return tuple(Goods(sku=sku, units=units) for sku, units in self.units_ordered.items())

    @property
    def units_dispatched(self) -> Counter[Sku]:
        units: Counter[Sku] = Counter()
        for shipment in self.shipments.values():
            for item in shipment.goods:
                units[item.sku] += item.units
        return units

    @property
    def units_returned(self) -> int:
        """
        How many units were accepted as returned, or claimed.
        """
        return sum(taken.units_accepted for taken in self.returns.values())

    @property
    def is_to_be_cancelled(self) -> bool:
        """
        Whether somebody wants it cancelled and has no answer yet.
        """
        return self.cancellation is not None and (self.cancellation.state is RequestState.REQUESTED)

    @property
    def is_to_be_changed(self) -> bool:
        """
        Whether somebody wants it changed, and something is to be done about it.
        """
        return self.change is not None and self.change.is_open

    @property
    def is_done(self) -> bool:
        """
        Whether every parcel has ended and is paid, and nothing is left over: it may complete.
        """
        return (
            self.status is OrderStatus.PLACED
            and self.has_no_parcel_under_way
            and not self.uncaptured
            and not self.has_rest
            and not self.is_to_be_changed
        )

    @property
    def has_rest(self) -> bool:
        """
        Whether money or goods are left over once every parcel has ended.
        """
        if not self.has_no_parcel_under_way:
            return False
        return self.is_short or self.authorized.minor_units > self.grand_total.minor_units

    def total_of(self, lines: Sequence[OrderLine]) -> Money:
        """
        Return what the order costs if *lines* are what is ordered.
        """
        charges = self.shipping.minor_units - self.discount.minor_units
        return Money(_minor_units(lines) + charges, self.currency)

    def note(self, now: datetime, what: str, cause: str) -> None:
        """
        Add an entry to the timeline.
        """
        self.updated_at = now
        self.news.append(TimelineEntry(at=now, what=what, cause=cause))


def _minor_units(lines: Sequence[OrderLine]) -> int:
    """
    Return what *lines* cost, without shipping and discount. All are in one currency: orders are
    placed so.
    """
    return sum(line.unit_price.minor_units * line.quantity.units for line in lines)
