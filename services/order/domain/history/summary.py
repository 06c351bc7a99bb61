"""
What became of one order, from what three contexts tell of it.

The events of one aggregate come in order, those of different ones in any order. So each aggregate
has a part of its own, which only its events change, and every status is derived from the parts as
they are: the result is the same, whichever part was told first.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.kernel.money import Money
from services.order.domain.axes import after_refunds, after_returns
from services.order.domain.history.facts import (
    Authorized,
    Captured,
    Changed,
    ChargedBack,
    Confirmed,
    Ended,
    GoodsReturned,
    OrderFact,
    ParcelDelivered,
    ParcelDispatched,
    ParcelLost,
    PaymentFact,
    Placed,
    Refunded,
    ReturnFact,
    Told,
    Voided,
    WorkAccepted,
    WorkChanged,
    WorkFact,
    WorkUnfulfillable,
)
from services.order.domain.values import (
    AccountId,
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderId,
    OrderStatus,
    PaymentStatus,
)

# Of an order that has not told yet whose it is and what it costs.
NOBODY = AccountId("")
NOTHING = Money(0, "XXX")


@dataclass(slots=True, kw_only=True)
class Promise:
    """
    What the order itself has told.

    Attributes:
        version: The last event that told something; 0 if none has.
        units_at: How many units each location was to send when the order was confirmed.
    """

    version: int = 0
    account_id: AccountId = NOBODY
    status: OrderStatus = OrderStatus.PENDING
    reason: str = ""
    grand_total: Money = NOTHING
    goods: tuple[Goods, ...] = ()
    units_at: dict[LocationId, int] = field(default_factory=dict[LocationId, int])
    placed_at: datetime | None = None
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None

    def hear(self, fact: OrderFact, at: datetime) -> None:
        match fact:
            case Placed():
                self.account_id = fact.account_id
                self.grand_total, self.goods = fact.grand_total, fact.goods
                self.placed_at = at
            case Confirmed():
                self.status, self.confirmed_at = OrderStatus.PLACED, at
                self.units_at = dict(fact.units_at)
            case Changed():
                self.grand_total, self.goods = fact.grand_total, fact.goods
            case Ended():
                self.status, self.reason, self.ended_at = fact.status, fact.reason, at

    @property
    def units(self) -> int:
        return sum(item.units for item in self.goods)


@dataclass(slots=True, kw_only=True)
class Funds:
    """
    What the payment has told.

    Attributes:
        captured: In minor units of the order's currency, as the others.
        charged_back: What payers' banks took, and did not give back.
    """

    version: int = 0
    authorized: bool = False
    voided: bool = False
    captured: int = 0
    refunded: int = 0
    charged_back: int = 0

    def hear(self, fact: PaymentFact, _at: datetime) -> None:
        match fact:
            case Authorized():
                self.authorized = True
            case Captured():
                self.captured = fact.total
            case Voided():
                self.voided = True
            case Refunded():
                self.refunded = fact.total
            case ChargedBack():
                self.charged_back += fact.amount


@dataclass(slots=True, kw_only=True)
class Work:
    """
    What the work at one location has told.

    Attributes:
        units: What is to be sent since a change; `None` while it is what was confirmed.
        unfulfillable_at: The location whose goods no provider wants to send; empty if that is
            not so.
        dispatched_at: When its first parcel left.
        delivered_at: When its last parcel so far arrived.
    """

    version: int = 0
    accepted: bool = False
    units: int | None = None
    unfulfillable_at: LocationId | None = None
    units_dispatched: int = 0
    parcels_dispatched: int = 0
    parcels_delivered: int = 0
    parcels_lost: int = 0
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None

    def hear(self, fact: WorkFact, _at: datetime) -> None:
        match fact:
            case WorkAccepted():
                self.accepted = True
            case WorkChanged():
                self.units = fact.units
            case WorkUnfulfillable():
                self.unfulfillable_at = fact.location_id
            case ParcelDispatched():
                self.parcels_dispatched += 1
                self.units_dispatched += fact.units
                self.dispatched_at = min(self.dispatched_at or fact.at, fact.at)
            case ParcelDelivered():
                self.parcels_delivered += 1
                self.delivered_at = max(self.delivered_at or fact.at, fact.at)
            case ParcelLost():
                self.parcels_lost += 1


@dataclass(slots=True, kw_only=True)
class Returned:
    """
    What one return has told.

    Attributes:
        units: How many were accepted, once all is counted.
    """

    version: int = 0
    units: int = 0

    def hear(self, fact: ReturnFact, _at: datetime) -> None:
        self.units = fact.units


@dataclass(slots=True, kw_only=True)
class OrderSummary:
    """
    What became of one order.
    """

    order_id: OrderId
    promise: Promise = field(default_factory=Promise)
    funds: Funds = field(default_factory=Funds)
    works: dict[UUID, Work] = field(default_factory=dict[UUID, Work])
    returns: dict[UUID, Returned] = field(default_factory=dict[UUID, Returned])

    def hear(self, told: Told) -> bool:
        """
        Take in what an event tells, unless it, or a later one of its aggregate, was heard before;
        return whether it was news.
        """
        part = self._part_of(told)
        if part is None or told.version <= part.version:
            return False
        part.version = told.version
        part.hear(told.fact, told.at)
        return True

    def _part_of(self, told: Told) -> Any:
        match told.fact:
            case None:
                return None
            case Placed() | Confirmed() | Changed() | Ended():
                return self.promise
            case Authorized() | Captured() | Voided() | Refunded() | ChargedBack():
                return self.funds
            case GoodsReturned():
                return self.returns.setdefault(told.aggregate_id, Returned())
            case _:
                return self.works.setdefault(told.aggregate_id, Work())

    @property
    def payment_status(self) -> PaymentStatus:
        if self.funds.captured:
            # A completed order was charged for all that left: if the PSP has taken less than it was
            # asked to, that is between it and the merchant.
            whole = (
                self.promise.status is OrderStatus.COMPLETED
                or self.funds.captured >= self.promise.grand_total.minor_units
            )
            paid = whole and self.is_dispatched and not self.is_short
            return after_refunds(
                PaymentStatus.PAID if paid else PaymentStatus.PARTIALLY_PAID,
                captured=self.funds.captured,
                refunded=self.funds.refunded,
            )
        if self.funds.voided:
            return PaymentStatus.VOIDED
        return PaymentStatus.AUTHORIZED if self.funds.authorized else PaymentStatus.NONE

    @property
    def fulfillment_status(self) -> FulfillmentStatus:
        if not self.parcels_dispatched:
            accepted = any(work.accepted for work in self.works.values())
            return FulfillmentStatus.IN_PROGRESS if accepted else FulfillmentStatus.UNFULFILLED
        if not self.is_dispatched:
            return FulfillmentStatus.PARTIALLY_FULFILLED
        return after_returns(
            FulfillmentStatus.DELIVERED if self.is_delivered else FulfillmentStatus.FULFILLED,
            sent=sum(work.units_dispatched for work in self.works.values()),
            # What replaces goods for nothing comes back of the order that they were paid with.
            returned=self.units_returned if self.promise.grand_total.minor_units else 0,
        )

    @property
    def is_delivered(self) -> bool:
        """
        Whether all that will ever leave has arrived.
        """
        return self.is_dispatched and self.parcels_delivered == self.parcels_dispatched

    @property
    def is_dispatched(self) -> bool:
        """
        Whether all that will ever leave has left.
        """
        ordered = self.promise.units
        gone = sum(work.units_dispatched for work in self.works.values())
        return bool(ordered and gone) and gone >= ordered - self._units_missing

    @property
    def is_short(self) -> bool:
        """
        Whether some goods will never leave.
        """
        return any(work.unfulfillable_at and work.units != 0 for work in self.works.values())

    @property
    def _units_missing(self) -> int:
        units = 0
        for work in self.works.values():
            if work.unfulfillable_at:
                confirmed = self.promise.units_at.get(work.unfulfillable_at, 0)
                units += confirmed if work.units is None else work.units
        return units

    @property
    def parcels_dispatched(self) -> int:
        return sum(work.parcels_dispatched for work in self.works.values())

    @property
    def parcels_delivered(self) -> int:
        return sum(work.parcels_delivered for work in self.works.values())

    @property
    def parcels_lost(self) -> int:
        return sum(work.parcels_lost for work in self.works.values())

    @property
    def units_returned(self) -> int:
        return sum(taken.units for taken in self.returns.values())

    @property
    def dispatched_at(self) -> datetime | None:
        """
        When the first parcel left.
        """
        return min(
            (work.dispatched_at for work in self.works.values() if work.dispatched_at),
            default=None,
        )

    @property
    def delivered_at(self) -> datetime | None:
        """
        When the last parcel arrived, if all have.
        """
        if not self.is_delivered:
            return None
        return max(work.delivered_at for work in self.works.values() if work.delivered_at)
