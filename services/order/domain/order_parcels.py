"""What leaves of an order, and what arrives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.order.domain.axes import OrderNotInState, after_refunds, after_returns, moved
from services.order.domain.charges import Charge, charge_of_parcel
from services.order.domain.order_requests import OrderRequests
from services.order.domain.shipment import Shipment
from services.order.domain.values import (
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderStatus,
    PaymentStatus,
    ShipmentId,
)


@dataclass(kw_only=True, eq=False)
class OrderParcels(OrderRequests):
    """
    An order as its providers and carriers see it: parcels leave, are charged, and arrive.
    """

    def dispatch(
        self,
        shipment_id: ShipmentId,
        *,
        location_id: LocationId,
        goods: tuple[Goods, ...],
        at: datetime,
        change_number: int = 0,
        now: datetime,
    ) -> None:
        """
        Note that a parcel left. Noting it again changes nothing.

        Args:
            change_number: The last change of the order that the work on it followed: tells
                whether the parcel left before or after a change that has no answer yet.
        """
        if shipment_id in self.shipments:
            return
        self._must_be(OrderStatus.PLACED)
        self.answer_requests_at_dispatch(change_number, now)
        charge = charge_of_parcel(
            goods,
            [*self.shipments.values()],
            self.lines,
            whole=Charge(value=self.grand_total, shipping=self.shipping),
            items_total=self.items_total,
        )
        self.shipments[shipment_id] = Shipment(
            id=shipment_id,
            location_id=location_id,
            goods=goods,
            value=charge.value,
            shipping=charge.shipping,
            dispatched_at=at,
        )
        self._follow_shipments()
        self.note(now, "parcel dispatched", "provider")

    def capture(self, shipment_ids: Sequence[ShipmentId], now: datetime) -> None:
        """
        Note that parcels were charged and booked out.
        """
        for shipment_id in shipment_ids:
            self.shipments[shipment_id].captured = True
        self._follow_money()
        self.note(now, "payment captured", "payment")

    def deliver(self, shipment_id: ShipmentId, *, at: datetime, now: datetime) -> None:
        """
        Note that a parcel arrived. Noting it again changes nothing.
        """
        shipment = self.shipments[shipment_id]
        if shipment.has_ended:
            return
        shipment.delivered_at = at
        self._follow_shipments()
        self.note(now, "parcel delivered", "carrier")

    def lose(self, shipment_id: ShipmentId, what: str, *, at: datetime, now: datetime) -> None:
        """
        Note that a parcel will not arrive, and *what* became of it. Noting it again changes
        nothing. What is made good for it, a return says that fulfillment opens.
        """
        shipment = self.shipments[shipment_id]
        if shipment.has_ended:
            return
        shipment.lost_at = at
        self._follow_shipments()
        self.note(now, what, "carrier")

    def lose_provider(self, location_id: LocationId, now: datetime) -> None:
        """
        Note that no provider wants to send the goods of one location.
        """
        if location_id not in self.unfulfillable:
            self.unfulfillable = (*self.unfulfillable, location_id)
            self._follow_shipments()
            self.note(now, "no provider found", "fulfillment")

    def _follow_money(self) -> None:
        captured = [s.value.minor_units for s in self.shipments.values() if s.captured]
        if not captured or self.is_free:
            return
        whole = self.is_dispatched and not self.is_short and not self.uncaptured
        status = after_refunds(
            PaymentStatus.PAID if whole else PaymentStatus.PARTIALLY_PAID,
            captured=sum(captured),
            refunded=self.refunded,
        )
        self.payment_status = moved(self.payment_status, status)

    def _follow_shipments(self) -> None:
        if not self.shipments:
            return
        status = FulfillmentStatus.PARTIALLY_FULFILLED
        if self.is_delivered:
            status = FulfillmentStatus.DELIVERED
        elif self.is_dispatched:
            status = FulfillmentStatus.FULFILLED
        if self.is_dispatched:
            sent = self.units_dispatched.total()
            status = after_returns(status, sent=sent, returned=self.units_returned)
        self.fulfillment_status = moved(self.fulfillment_status, status)

    def _must_be(self, status: OrderStatus) -> None:
        if self.status is not status:
            raise OrderNotInState(f"order {self.id} is {self.status}, not {status}")
