"""The Order aggregate: what was promised, and how far the promise is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import MOST_MINOR_UNITS, Money
from chassis.kernel.quantity import MOST_UNITS
from services.order.domain.axes import OrderNotInState, moved
from services.order.domain.events import (
    OrderCancelled,
    OrderCompleted,
    OrderConfirmed,
    OrderPlaced,
    OrderRejected,
)
from services.order.domain.order_charges import check_charges, check_currencies
from services.order.domain.order_requests import DiscountTooHigh
from services.order.domain.order_returns import OrderReturns
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    FulfillmentStatus,
    OrderCharge,
    OrderId,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    Reason,
    ReturnId,
    ServiceLevel,
)


class LinesOutOfRange(InvalidInput):
    pass


class TotalOutOfRange(InvalidInput):
    pass


class OrderedTooMuch(InvalidInput):
    pass


MOST_LINES = 2_000

# Somebody wants these orders not to be kept; the others could not be.
WANTED = {Reason.CUSTOMER_REQUEST, Reason.OPERATOR_REQUEST}


@dataclass(kw_only=True, eq=False)
class Order(OrderReturns):
    """
    The promise to a customer. Status, payment and fulfillment are axes that move on their own.
    """

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
        service_level: ServiceLevel = ServiceLevel.STANDARD,
        for_return_id: ReturnId | None = None,
        may_be_free: bool = False,
    ) -> Self:
        """
        Accept an order: stock and money are sought from here on.

        Args:
            for_return_id: The return that it makes good or is exchanged for.
            may_be_free: Whether it may cost nothing: what replaces goods does.

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
            lines=_numbered(lines),
            shipping=shipping,
            discount=discount,
            authorized=Money(0, shipping.currency),
            ship_to=ship_to,
            psp_token=psp_token,
            reference=reference,
            created_at=now,
            updated_at=now,
            shipping_lines=shipping_lines,
            discount_lines=discount_lines,
            service_level=service_level,
            for_return_id=for_return_id,
        )
        order._must_make_sense(least=0 if may_be_free else 1)
        order.record(
            OrderPlaced(
                order_id=order_id,
                account_id=account_id,
                grand_total=order.grand_total,
                goods=order.goods,
            )
        )
        order.note(now, "order accepted", "customer")
        return order

    def reserve(self, allocations: Sequence[Allocation], now: datetime) -> None:
        """
        Note that stock is held, and where.
        """
        self._must_be(OrderStatus.PENDING)
        self.allocations = tuple(allocations)
        self.note(now, "stock reserved", "product")

    def authorize(self, now: datetime) -> None:
        """
        Note that the money is set aside.
        """
        self._must_be(OrderStatus.PENDING)
        if self.is_free:
            self.note(now, "nothing to pay", "order")
            return
        self.payment_status = moved(self.payment_status, PaymentStatus.AUTHORIZED)
        self.authorized = self.grand_total
        self.note(now, "payment authorized", "payment")

    def confirm(self, now: datetime) -> None:
        """
        Promise the goods: stock is allocated and the money is there.
        """
        self.status = moved(self.status, OrderStatus.PLACED)
        self.record(
            OrderConfirmed(
                order_id=self.id,
                account_id=self.account_id,
                ship_to=self.ship_to,
                goods=self.allocations,
                service_level=self.service_level,
            )
        )
        self.note(now, "order confirmed", "product")

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
        self.note(now, f"given up: {reason}", "order")

    def finish_giving_up(self, now: datetime) -> None:
        """
        End an order that was given up, once stock and money went back.
        """
        if self.payment_status is PaymentStatus.AUTHORIZED:
            self.payment_status = moved(self.payment_status, PaymentStatus.VOIDED)
            self.note(now, "stock released, payment voided", "order")
        elif self.allocations:
            self.note(now, "stock released", "order")
        self._end_given_up(now)

    def accept_work(self, provider: str, now: datetime) -> None:
        """
        Note that a provider works on it, or did: of an order that has ended it is no news.
        """
        if self.fulfillment_status is FulfillmentStatus.UNFULFILLED:
            self.fulfillment_status = moved(self.fulfillment_status, FulfillmentStatus.IN_PROGRESS)
        if not self.has_ended:
            self.note(now, "work accepted", provider)

    def complete(self, now: datetime) -> None:
        """
        End an order whose parcels have all ended and are charged.
        """
        self._must_be(OrderStatus.PLACED)
        if not self.has_no_parcel_under_way or self.uncaptured:
            raise OrderNotInState(f"order {self.id} is not delivered and paid yet")
        self.status = moved(self.status, OrderStatus.COMPLETED)
        self.record(OrderCompleted(order_id=self.id))
        self.note(now, "order completed", "order")

    def wait_longer(self, what: str, now: datetime) -> None:
        """
        Note that something did not happen in time, and is waited for still.
        """
        self.note(now, what, "order")

    def _must_make_sense(self, *, least: int) -> None:
        if self.grand_total.minor_units < 0:
            raise DiscountTooHigh("discount is more than items and shipping", field="discount")
        if not least <= self.grand_total.minor_units <= MOST_MINOR_UNITS:
            raise TotalOutOfRange(
                "the grand total is above zero and at most 10¹³ minor units", field="lines"
            )
        if max(self.units_ordered.values()) > MOST_UNITS:
            raise OrderedTooMuch(
                f"the lines of one SKU add up to at most {MOST_UNITS:,} units", field="lines"
            )

    def _end_given_up(self, now: datetime) -> None:
        assert self.reason
        self.answer_requests_at_end(now)
        if self.status is OrderStatus.PENDING and self.reason not in WANTED:
            self.status = moved(self.status, OrderStatus.REJECTED)
            self.record(OrderRejected(order_id=self.id, reason=self.reason))
        else:
            self.status = moved(self.status, OrderStatus.CANCELLED)
            self.record(OrderCancelled(order_id=self.id, reason=self.reason))
        self.note(now, f"order {self.status.lower()}: {self.reason}", "order")


def _numbered(lines: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    return tuple(
        line if line.number == number else replace(line, number=number)
        for number, line in enumerate(lines, start=1)
    )
