"""The FulfillmentOrder aggregate: the work of one order at one location, from offer to delivery."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.kernel.quantity import Quantity
from services.fulfillment.domain import refusals
from services.fulfillment.domain.cancellation import CancellableWork
from services.fulfillment.domain.events import (
    FulfillmentOrderChanged,
    FulfillmentOrderOpened,
    ShipmentDelivered,
    ShipmentDispatched,
)
from services.fulfillment.domain.returns.values import NOBODY, AccountId
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderStatus,
    Goods,
    LocationId,
    OrderId,
    ProviderId,
    ServiceLevel,
    ShipmentId,
    ShipmentState,
    fulfillment_order_id,
    merged,
    units_of,
)


@dataclass(kw_only=True, eq=False)
class FulfillmentOrder(CancellableWork):
    """
    The work of one order at one location, until its parcels have arrived or it is given up.

    Attributes:
        account_id: Whose order it is; empty if it was confirmed before this was kept.
        shipments: The parcels, oldest first.
    """

    account_id: AccountId = NOBODY
    shipments: tuple[Shipment, ...] = ()

    @classmethod
    def open(
        cls,
        order_id: OrderId,
        location_id: LocationId,
        goods: Iterable[Goods],
        ship_to: Address,
        service_level: ServiceLevel = ServiceLevel.STANDARD,
        account_id: AccountId = NOBODY,
    ) -> "FulfillmentOrder":
        """
        Return new work, not offered to anybody yet.
        """
        order = cls(
            id=fulfillment_order_id(order_id, location_id),
            order_id=order_id,
            account_id=account_id,
            location_id=location_id,
            goods=merged(goods),
            ship_to=ship_to,
            service_level=service_level,
        )
        order.record(
            FulfillmentOrderOpened(
                fulfillment_order_id=order.id, order_id=order_id, location_id=location_id
            )
        )
        return order

    @property
    def dispatched(self) -> tuple[Goods, ...]:
        return merged(some for shipment in self.shipments for some in shipment.goods)

    @property
    def delivered(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.is_delivered for some in s.goods)

    def dispatch(
        self,
        shipment_id: ShipmentId,
        provider_id: ProviderId,
        *,
        goods: Iterable[Goods],
        tracking_number: str,
        now: datetime,
    ) -> None:
        """
        Note that a parcel left with *goods*; with all that was left, if none are named. If the
        work was asked to be given up, this is a no: see that the rest of the order goes on too.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
            CancellationUnderWay: The provider has agreed to give it up, others have yet to answer.
            ShipmentMismatch: This shipment left before, with something else in it.
            DispatchedTooMuch: That is more than is left to send.
        """
        self._must_be_done_by(provider_id)
        goods = merged(goods)
        for number, shipment in enumerate(self.shipments):
            if shipment.id == shipment_id:
                meant = goods or self._left_after(self.shipments[:number])
                if (meant, tracking_number) != (shipment.goods, shipment.tracking_number):
                    raise refusals.ShipmentMismatch(
                        f"shipment {shipment_id} left before, with something else in it"
                    )
                return  # told again: the first answer may have been lost
        self._must_not_have_agreed()
        left = self._left_after(self.shipments)
        goods = goods or left
        self._must_not_exceed(goods, left)
        shipment = Shipment(
            id=shipment_id, goods=goods, tracking_number=tracking_number, dispatched_at=now
        )
        self.shipments = (*self.shipments, shipment)
        self.record(
            ShipmentDispatched(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                shipment_id=shipment_id,
                location_id=self.location_id,
                goods=goods,
                dispatched_at=now,
                change_number=self.change_number,
            )
        )
        self.keep("a parcel has left")

    def deliver(self, shipment_id: ShipmentId, now: datetime) -> None:
        """
        Note that a parcel arrived; with the last one the work is done.

        Raises:
            ShipmentNotFound: No such parcel left.
        """
        shipment = next((s for s in self.shipments if s.id == shipment_id), None)
        if shipment is None:
            raise refusals.ShipmentNotFound(f"there is no shipment {shipment_id}")
        if shipment.is_delivered:
            return  # told again
        arrived = replace(shipment, state=ShipmentState.DELIVERED, delivered_at=now)
        self.shipments = tuple(arrived if s is shipment else s for s in self.shipments)
        if units_of(self.delivered) == units_of(self.goods):
            self.status = FulfillmentOrderStatus.CLOSED
        self._note_end(arrived, now)
        self.record(
            ShipmentDelivered(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                shipment_id=shipment_id,
                delivered_at=now,
            )
        )

    def must_not_be_dispatched(self) -> None:
        """
        Raises:
            AlreadyDispatched: A parcel has left.
        """
        if self.shipments:
            raise refusals.AlreadyDispatched(
                f"a parcel of order {self.order_id} has left {self.location_id}"
            )

    def cancel(self) -> None:
        """
        Give the work up. What nobody wanted stays unfulfillable.

        Raises:
            AlreadyDispatched: A parcel has left.
        """
        self.must_not_be_dispatched()
        if self.status in (FulfillmentOrderStatus.CANCELLED, FulfillmentOrderStatus.UNFULFILLABLE):
            return
        self._give_up()

    def must_be_changeable_to(self, goods: Iterable[Goods]) -> None:
        """
        Raises:
            FulfillmentCancelled: It was given up, other than because a change left nothing of it.
            AlreadyDispatched: A parcel has left.
            CancellationUnderWay: Its provider was asked to give it up.
            FulfillmentGrows: So much is not to be sent.
        """
        if self.status is FulfillmentOrderStatus.CANCELLED and self.goods:
            raise refusals.FulfillmentCancelled(f"the work on order {self.order_id} was given up")
        self.must_not_be_dispatched()
        self.must_not_be_asked()
        units = {some.sku: some.quantity.units for some in self.goods}
        for some in merged(goods):
            if some.quantity.units > units.get(some.sku, 0):
                raise refusals.FulfillmentGrows(
                    f"{some.quantity.units} of {some.sku} are more than the"
                    f" {units.get(some.sku, 0)} to be sent from {self.location_id}"
                )

    def change(self, number: int, *, goods: Iterable[Goods], ship_to: Address) -> None:
        """
        Send only *goods*, and perhaps elsewhere; if there are none, give the work up. Whoever is
        asked to do it is asked to do it as it is now; whoever does it does that.

        Raises:
            FulfillmentCancelled, AlreadyDispatched, FulfillmentGrows: It cannot be changed so.
            CancellationUnderWay: Not now.
        """
        goods = merged(goods)
        self.must_be_changeable_to(goods)
        if not self.goods:
            return  # an earlier change left nothing of it
        self.goods, self.ship_to, self.change_number = goods, ship_to, number
        if not goods:
            self._give_up()
            return
        offer = self.live_offer
        if offer and offer.is_open:
            self._replace_offer(replace(offer, change_number=number))
        self.record(
            FulfillmentOrderChanged(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                change_number=number,
                goods=goods,
                provider_id=offer.provider_id if offer else None,
                offer_id=offer.id if offer else None,
            )
        )

    def _note_end(self, parcel: Shipment, now: datetime) -> None:
        """
        Note how the provider did with a parcel that has just ended; and, if it was the last,
        whether the promise was kept.
        """
        offer, promise = self.live_offer, self.promise
        if offer is None or promise is None:
            return  # taken on before there were promises
        note = promise.note_on(parcel, by=offer.provider_id, now=now)
        if note:
            self.notes.append(note)
        if self.status is FulfillmentOrderStatus.CLOSED:
            self.promise = promise.settled(self.shipments)

    def _must_be_done_by(self, provider_id: ProviderId) -> None:
        offer = self.live_offer
        if offer is None or offer.is_open:
            raise refusals.FulfillmentOrderNotAccepted(f"no provider does the work {self.id}")
        if offer.provider_id != provider_id:
            raise refusals.NotTheProvider(f"another provider than {provider_id} does {self.id}")

    def _left_after(self, shipments: Iterable[Shipment]) -> tuple[Goods, ...]:
        sent = {some.sku: 0 for some in self.goods}
        for shipment in shipments:
            for some in shipment.goods:
                sent[some.sku] += some.quantity.units
        return tuple(
            Goods(some.sku, Quantity(some.quantity.units - sent[some.sku]))
            for some in self.goods
            if some.quantity.units > sent[some.sku]
        )

    def _must_not_exceed(self, goods: tuple[Goods, ...], left: tuple[Goods, ...]) -> None:
        units = {some.sku: some.quantity.units for some in left}
        for some in goods:
            if some.quantity.units > units.get(some.sku, 0):
                raise refusals.DispatchedTooMuch(
                    f"{some.quantity.units} of {some.sku} are more than the"
                    f" {units.get(some.sku, 0)} left to send"
                )
        if not goods:
            raise refusals.DispatchedTooMuch("nothing is left to send")
