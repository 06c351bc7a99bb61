"""The Order aggregate: what was promised, and how far the promise is kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.errors import InvalidInput, RuleViolated
from chassis.kernel.money import MOST_MINOR_UNITS, Money, sum_of
from chassis.kernel.quantity import MOST_UNITS
from chassis.kernel.text import Sku
from services.order.domain.charges import Charge, charge_for
from services.order.domain.events import (
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderEvent,
    OrderPlaced,
    OrderRejected,
)
from services.order.domain.order_charges import check_charges, check_currencies
from services.order.domain.shipment import Shipment
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
    ShipmentId,
)


class LinesOutOfRange(InvalidInput):
    pass


class TotalOutOfRange(InvalidInput):
    pass


class OrderedTooMuch(InvalidInput):
    pass


class DiscountTooHigh(InvalidInput):
    pass


class OrderNotInState(RuleViolated):
    pass


MOST_LINES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """
    One step that changed the order.

    Attributes:
        what: What happened, such as "stock reserved".
        cause: Who or what made it happen, such as "product".
    """

    at: datetime
    what: str
    cause: str


@dataclass(kw_only=True, eq=False)
class Order(Aggregate[OrderEvent]):
    """
    The promise to a customer. Status, payment and fulfillment are axes that move on their own.

    Attributes:
        allocations: Which location gives what, once stock is reserved.
        unfulfillable: Locations whose goods no provider wants to send.
        reason: Why it is being given up, or was.
    """

    id: OrderId
    account_id: AccountId
    channel: Channel
    lines: tuple[OrderLine, ...]
    shipping: Money
    discount: Money
    ship_to: Address
    psp_token: str
    reference: str
    created_at: datetime
    updated_at: datetime
    shipping_lines: tuple[OrderCharge, ...] = ()
    discount_lines: tuple[OrderCharge, ...] = ()
    status: OrderStatus = OrderStatus.PENDING
    payment_status: PaymentStatus = PaymentStatus.NONE
    fulfillment_status: FulfillmentStatus = FulfillmentStatus.UNFULFILLED
    allocations: tuple[Allocation, ...] = ()
    shipments: dict[ShipmentId, Shipment] = field(default_factory=dict)
    unfulfillable: tuple[LocationId, ...] = ()
    reason: Reason | None = None
    # How many entries its timeline has; and the ones that are not saved yet.
    news_count: int = 0
    news: list[TimelineEntry] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def place(
        cls,
        order_id: OrderId,
        *,
        account_id: AccountId,
        channel: Channel,
        lines: tuple[OrderLine, ...],
        shipping: Money,
        discount: Money,
        ship_to: Address,
        psp_token: str,
        reference: str,
        now: datetime,
        shipping_lines: tuple[OrderCharge, ...] = (),
        discount_lines: tuple[OrderCharge, ...] = (),
    ) -> Self:
        """
        Accept an order: stock and money are sought from here on.

        Raises:
            LinesOutOfRange: It has no lines, or more than 2,000.
            CurrencyMismatch: Its amounts are not all in one currency; names one that is not.
            ChargesOutOfRange, ChargesDoNotAddUp: Shipping or discount is not what it is made of.
            DiscountTooHigh: The discount exceeds the rest.
            OrderedTooMuch: The lines of one SKU add up to more than 1,000,000 units.
            TotalOutOfRange: There is nothing to pay, or more than 10¹³ minor units.
        """
        if not 1 <= len(lines) <= MOST_LINES:
            raise LinesOutOfRange(f"an order has 1 to {MOST_LINES:,} lines", field="lines")
        check_currencies(lines, shipping, discount)
        check_charges(shipping, shipping_lines, "shipping")
        check_charges(discount, discount_lines, "discount")
        order = cls(
            id=order_id,
            account_id=account_id,
            channel=channel,
            lines=lines,
            shipping=shipping,
            discount=discount,
            ship_to=ship_to,
            psp_token=psp_token,
            reference=reference,
            created_at=now,
            updated_at=now,
            shipping_lines=shipping_lines,
            discount_lines=discount_lines,
        )
        if order.grand_total.minor_units < 0:
            raise DiscountTooHigh("discount is more than items and shipping", field="discount")
        if not 0 < order.grand_total.minor_units <= MOST_MINOR_UNITS:
            raise TotalOutOfRange(
                "the grand total is above zero and at most 10¹³ minor units", field="lines"
            )
        if max(order.units_ordered.values()) > MOST_UNITS:
            raise OrderedTooMuch(
                f"the lines of one SKU add up to at most {MOST_UNITS:,} units", field="lines"
            )
        order.record(
            OrderPlaced(
                order_id=order_id,
                account_id=account_id,
                grand_total=order.grand_total,
                goods=tuple(Goods(sku=s, units=u) for s, u in order.units_ordered.items()),
            )
        )
        order._note(now, "order accepted", "customer")
        return order

    @property
    def currency(self) -> str:
        return self.shipping.currency

    @property
    def items_total(self) -> Money:
        return sum_of((line.unit_price * line.quantity for line in self.lines), self.currency)

    @property
    def grand_total(self) -> Money:
        return self.items_total + self.shipping - self.discount

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
        return self._units_dispatched >= due

    @property
    def is_delivered(self) -> bool:
        return all(s.delivered_at for s in self.shipments.values()) and self.is_dispatched

    @property
    def is_short(self) -> bool:
        """
        Whether some goods will never leave.
        """
        return bool(self.unfulfillable)

    def reserve(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """
        Note that stock is held, and where.
        """
        self._must_be(OrderStatus.PENDING)
        self.allocations = tuple(allocations)
        self._note(now, "stock reserved", "product")

    def authorize(self, now: datetime) -> None:
        """
        Note that the money is set aside.
        """
        self._must_be(OrderStatus.PENDING)
        self.payment_status = PaymentStatus.AUTHORIZED
        self._note(now, "payment authorized", "payment")

    def confirm(self, now: datetime) -> None:
        """
        Promise the goods: stock is allocated and the money is there.
        """
        self._must_be(OrderStatus.PENDING)
        self.status = OrderStatus.PLACED
        self.record(
            OrderConfirmed(
                order_id=self.id,
                account_id=self.account_id,
                ship_to=self.ship_to,
                goods=self.allocations,
            )
        )
        self._note(now, "order confirmed", "product")

    def reject(self, reason: Reason, now: datetime) -> None:
        """
        End an order that never got stock or money.
        """
        self._must_be(OrderStatus.PENDING)
        self.reason = reason
        self._end_given_up(now)

    def give_up(self, reason: Reason, now: datetime) -> None:
        """
        Decide that the order will not be kept; what it holds is given back next.
        """
        self.reason = reason
        self._note(now, f"given up: {reason}", "order")

    def finish_giving_up(self, now: datetime) -> None:
        """
        End an order that was given up, once stock and money went back.
        """
        if self.payment_status is PaymentStatus.AUTHORIZED:
            self.payment_status = PaymentStatus.VOIDED
            self._note(now, "stock released, payment voided", "order")
        elif self.allocations:
            self._note(now, "stock released", "order")
        self._end_given_up(now)

    def accept_work(self, provider: str, now: datetime) -> None:
        """
        Note that a provider works on it.
        """
        if self.fulfillment_status is FulfillmentStatus.UNFULFILLED:
            self.fulfillment_status = FulfillmentStatus.IN_PROGRESS
        self._note(now, "work accepted", provider)

    def dispatch(
        self,
        shipment_id: ShipmentId,
        *,
        location_id: LocationId,
        goods: tuple[Goods, ...],
        at: datetime,
        now: datetime,
    ) -> None:
        """
        Note that a parcel left. Noting it again changes nothing.
        """
        if shipment_id in self.shipments:
            return
        self._must_be(OrderStatus.PLACED)
        charged = sum_of((s.value for s in self.shipments.values()), self.currency)
        shipping = sum_of((s.shipping for s in self.shipments.values()), self.currency)
        dispatched = self._units_dispatched
        for item in goods:
            dispatched[item.sku] += item.units
        after = charge_for(
            dispatched,
            self.lines,
            whole=Charge(value=self.grand_total, shipping=self.shipping),
            items_total=self.items_total,
        )
        value = after.value - charged
        share = min((after.shipping - shipping).minor_units, value.minor_units)
        self.shipments[shipment_id] = Shipment(
            id=shipment_id,
            location_id=location_id,
            goods=goods,
            value=value,
            # What a discount leaves no room for here, a later parcel carries.
            shipping=Money(share, self.currency),
            dispatched_at=at,
        )
        self._follow_shipments()
        self._note(now, "parcel dispatched", "provider")

    def capture(self, shipment_ids: Sequence[ShipmentId], now: datetime) -> None:
        """
        Note that parcels were charged and booked out.
        """
        for shipment_id in shipment_ids:
            self.shipments[shipment_id].captured = True
        paid = all(s.captured for s in self.shipments.values())
        whole = self.is_dispatched and not self.is_short
        self.payment_status = PaymentStatus.PAID if paid and whole else PaymentStatus.PARTIALLY_PAID
        self._note(now, "payment captured", "payment")

    def deliver(self, shipment_id: ShipmentId, *, at: datetime, now: datetime) -> None:
        """
        Note that a parcel arrived. Noting it again changes nothing.
        """
        shipment = self.shipments[shipment_id]
        if shipment.delivered_at:
            return
        shipment.delivered_at = at
        self._follow_shipments()
        self._note(now, "parcel delivered", "carrier")

    def lose_provider(self, location_id: LocationId, now: datetime) -> None:
        """
        Note that no provider wants to send the goods of one location.
        """
        if location_id not in self.unfulfillable:
            self.unfulfillable = (*self.unfulfillable, location_id)
            self._follow_shipments()
            self._note(now, "no provider found", "fulfillment")

    def complete(self, now: datetime) -> None:
        """
        End an order whose parcels were all delivered and charged.
        """
        self._must_be(OrderStatus.PLACED)
        if not self.is_delivered or self.uncaptured:
            raise OrderNotInState(f"order {self.id} is not delivered and paid yet")
        self.status = OrderStatus.COMPLETED
        self.record(OrderCompleted(order_id=self.id))
        self._note(now, "order completed", "order")

    def wait_longer(self, what: str, now: datetime) -> None:
        """
        Note that something did not happen in time, and is waited for still.
        """
        self._note(now, what, "order")

    @property
    def _units_dispatched(self) -> Counter[Sku]:
        units: Counter[Sku] = Counter()
        for shipment in self.shipments.values():
            for item in shipment.goods:
                units[item.sku] += item.units
        return units

    def _follow_shipments(self) -> None:
        if not self.shipments:
            return
        if self.is_delivered:
            self.fulfillment_status = FulfillmentStatus.DELIVERED
        elif self.is_dispatched:
            self.fulfillment_status = FulfillmentStatus.FULFILLED
        else:
            self.fulfillment_status = FulfillmentStatus.PARTIALLY_FULFILLED

    def _end_given_up(self, now: datetime) -> None:
        assert self.reason
        if self.status is OrderStatus.PENDING:
            self.status = OrderStatus.REJECTED
            self.record(OrderRejected(order_id=self.id, reason=self.reason))
            self._note(now, f"order rejected: {self.reason}", "order")
        else:
            self._must_be(OrderStatus.PLACED)
            self.status = OrderStatus.CANCELLED
            self.record(OrderCancelled(order_id=self.id, reason=self.reason))
            self._note(now, f"order cancelled: {self.reason}", "order")

    def _must_be(self, status: OrderStatus) -> None:
        if self.status is not status:
            raise OrderNotInState(f"order {self.id} is {self.status}, not {status}")

    def _note(self, now: datetime, what: str, cause: str) -> None:
        self.updated_at = now
        self.news.append(TimelineEntry(at=now, what=what, cause=cause))
