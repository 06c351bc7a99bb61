"""The FulfillmentOrder aggregate: the work of one order at one location, from offer to delivery."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.kernel.aggregate import Aggregate
from chassis.kernel.quantity import Quantity
from services.fulfillment.domain import refusals
from services.fulfillment.domain.events import (
    FulfillmentEvent,
    FulfillmentOrderCancelled,
    FulfillmentOrderOpened,
    FulfillmentOrderUnfulfillable,
    OfferAccepted,
    OfferExpired,
    OfferRejected,
    OfferSubmitted,
    ShipmentDelivered,
    ShipmentDispatched,
)
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.provider import Provider, choose_provider
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderId,
    FulfillmentOrderStatus,
    Goods,
    LocationId,
    OfferId,
    OfferState,
    OrderId,
    ProviderId,
    RequestStatus,
    ShipmentId,
    ShipmentState,
    fulfillment_order_id,
    merged,
    units_of,
)


@dataclass(kw_only=True, eq=False)
class FulfillmentOrder(Aggregate[FulfillmentEvent]):
    """
    The work of one order at one location.

    Every change records an event; a verb that repeats what was done records nothing.

    Attributes:
        goods: What to send, each SKU once.
        offers: Who was asked, oldest first; at most one of them is live.
        shipments: The parcels, oldest first.
    """

    id: FulfillmentOrderId
    order_id: OrderId
    location_id: LocationId
    goods: tuple[Goods, ...]
    ship_to: Address
    status: FulfillmentOrderStatus = FulfillmentOrderStatus.OPEN
    request_status: RequestStatus = RequestStatus.UNSUBMITTED
    offers: tuple[Offer, ...] = ()
    shipments: tuple[Shipment, ...] = ()

    @classmethod
    def open(
        cls, order_id: OrderId, location_id: LocationId, goods: Iterable[Goods], ship_to: Address
    ) -> "FulfillmentOrder":
        """
        Return new work, not offered to anybody yet.
        """
        order = cls(
            id=fulfillment_order_id(order_id, location_id),
            order_id=order_id,
            location_id=location_id,
            goods=merged(goods),
            ship_to=ship_to,
        )
        order.record(
            FulfillmentOrderOpened(
                fulfillment_order_id=order.id, order_id=order_id, location_id=location_id
            )
        )
        return order

    @property
    def live_offer(self) -> Offer | None:
        return next((offer for offer in self.offers if offer.is_live), None)

    @property
    def dispatched(self) -> tuple[Goods, ...]:
        return merged(some for shipment in self.shipments for some in shipment.goods)

    @property
    def delivered(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.is_delivered for some in s.goods)

    def seek_provider(
        self, providers: Iterable[Provider], *, offer_id: OfferId, expires_at: datetime
    ) -> None:
        """
        Offer the work to the next best provider, or say that nobody wants it.
        """
        provider = choose_provider(
            providers,
            country_code=self.ship_to.country_code,
            asked={offer.provider_id for offer in self.offers},
            work=self.id,
        )
        if provider is None:
            self.status = FulfillmentOrderStatus.UNFULFILLABLE
            self.record(
                FulfillmentOrderUnfulfillable(
                    fulfillment_order_id=self.id,
                    order_id=self.order_id,
                    location_id=self.location_id,
                )
            )
            return
        offer = Offer(id=offer_id, provider_id=provider.id, expires_at=expires_at)
        self.offers = (*self.offers, offer)
        self.request_status = RequestStatus.SUBMITTED
        self.record(
            OfferSubmitted(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                offer_id=offer.id,
                provider_id=offer.provider_id,
                expires_at=expires_at,
            )
        )

    def accept(self, offer_id: OfferId, provider_id: ProviderId) -> None:
        """
        Take the work on. Let what is overdue `lapse` first: it can't be accepted any more.

        Raises:
            OfferNotFound: It was never made to this provider.
            OfferRejected, OfferExpired, OfferWithdrawn: It is over.
        """
        offer = self._offer_to(provider_id, offer_id)
        offer.must_be_acceptable()
        if offer.state is OfferState.ACCEPTED:
            return  # asked again: the first answer may have been lost
        self._replace_offer(replace(offer, state=OfferState.ACCEPTED))
        self.status = FulfillmentOrderStatus.IN_PROGRESS
        self.request_status = RequestStatus.ACCEPTED
        self.record(
            OfferAccepted(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                offer_id=offer.id,
                provider_id=offer.provider_id,
            )
        )

    def reject(self, offer_id: OfferId, provider_id: ProviderId, reason: str) -> bool:
        """
        Decline the work, and return whether it needs another provider now.

        Of an offer that is over the provider is free already: nothing changes.

        Raises:
            OfferNotFound: It was never made to this provider.
            OfferAccepted: The provider has taken it on.
        """
        offer = self._offer_to(provider_id, offer_id)
        if offer.state is OfferState.ACCEPTED:
            raise refusals.OfferAccepted(f"offer {offer_id} was accepted")
        if not offer.is_open:
            return False
        self._replace_offer(replace(offer, state=OfferState.REJECTED, reason=reason))
        self.request_status = RequestStatus.REJECTED
        self.record(
            OfferRejected(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                offer_id=offer.id,
                provider_id=offer.provider_id,
                reason=reason,
            )
        )
        return True

    def lapse(self, now: datetime) -> bool:
        """
        Let the open offer expire if it is overdue, and return whether the work needs another
        provider now.
        """
        offer = self.live_offer
        if offer is None or not offer.is_overdue(now):
            return False
        self._replace_offer(replace(offer, state=OfferState.EXPIRED))
        self.request_status = RequestStatus.REJECTED
        self.record(
            OfferExpired(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                offer_id=offer.id,
                provider_id=offer.provider_id,
            )
        )
        return True

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
        Note that a parcel left with *goods*; with all that was left, if none are named.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
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
            )
        )

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
        if offer := self.live_offer:
            self._replace_offer(replace(offer, state=OfferState.WITHDRAWN))
        self.status = FulfillmentOrderStatus.CANCELLED
        self.request_status = RequestStatus.CANCELLATION_ACCEPTED
        self.record(FulfillmentOrderCancelled(fulfillment_order_id=self.id, order_id=self.order_id))

    def _offer_to(self, provider_id: ProviderId, offer_id: OfferId) -> Offer:
        for offer in self.offers:
            if offer.id == offer_id and offer.provider_id == provider_id:
                return offer
        raise refusals.OfferNotFound(f"there is no offer {offer_id} to {provider_id}")

    def _replace_offer(self, new: Offer) -> None:
        self.offers = tuple(new if offer.id == new.id else offer for offer in self.offers)

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
