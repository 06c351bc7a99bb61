"""The FulfillmentOrder aggregate: the work of one order at one location, from offer to delivery."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.fulfillment.domain import refusals
from services.fulfillment.domain.events import (
    FulfillmentOrderChanged,
    FulfillmentOrderOpened,
)
from services.fulfillment.domain.parcels import Parcels
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
)


@dataclass(kw_only=True, eq=False)
class FulfillmentOrder(Parcels):
    """
    The work of one order at one location, until its parcels have ended or it is given up.

    Attributes:
        account_id: Whose order it is; empty if it was confirmed before this was kept.
    """

    account_id: AccountId = NOBODY

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
        Note that a parcel left: as it was packed, or else with *goods*; with all that is in no
        parcel, if none are named. If the work was asked to be given up, this is a no: see that
        the rest of the order goes on too.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
            CancellationUnderWay: The provider has agreed to give it up, others have yet to answer.
            ShipmentMismatch: There is this parcel already, with something else in it.
            LabelNotReady: Its label is being made.
            DispatchedTooMuch: That is more than is left to send.
        """
        self._must_be_done_by(provider_id)
        goods = merged(goods)
        known = self.shipment(shipment_id)
        if known is None or not known.has_left:
            self._must_not_have_agreed()
        if known is None:
            new = Shipment(
                id=shipment_id,
                goods=self._taken_from_left(goods, refusals.DispatchedTooMuch),
                goods_named=bool(goods),
                tracking_number=tracking_number,
            )
            self._send(new, now)
            return
        if not known.is_sent_as(goods, tracking_number):
            raise refusals.ShipmentMismatch(
                f"there is a shipment {shipment_id} with something else in it"
            )
        if known.state is ShipmentState.PENDING:
            raise refusals.LabelNotReady(f"the label of shipment {shipment_id} is being made")
        if known.state is ShipmentState.PACKED:
            self._send(known, now)
        # Else it was told before: the first answer may have been lost.

    def must_not_be_dispatched(self) -> None:
        """
        Raises:
            AlreadyDispatched: A parcel has left.
        """
        if any(shipment.has_left for shipment in self.shipments):
            raise refusals.AlreadyDispatched(
                f"a parcel of order {self.order_id} has left {self.location_id}"
            )

    def cancel(self) -> None:
        """
        Give the work up, and unpack what was packed. What nobody wanted stays unfulfillable.

        Raises:
            AlreadyDispatched: A parcel has left.
        """
        self.must_not_be_dispatched()
        if self.status in (FulfillmentOrderStatus.CANCELLED, FulfillmentOrderStatus.UNFULFILLABLE):
            return
        self._unpack_all()
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
        asked to do it is asked to do it as it is now; whoever does it does that, and packs again.

        Raises:
            FulfillmentCancelled, AlreadyDispatched, FulfillmentGrows: It cannot be changed so.
            CancellationUnderWay: Not now.
        """
        goods = merged(goods)
        self.must_be_changeable_to(goods)
        if not self.goods:
            return  # an earlier change left nothing of it
        # Their labels may name another place, and their goods be wanted no more.
        self._unpack_all()
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
