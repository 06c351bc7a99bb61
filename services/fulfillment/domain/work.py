"""Work that is offered to providers, one after the other, until one of them does it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from chassis.kernel.aggregate import Aggregate
from services.fulfillment.domain import refusals
from services.fulfillment.domain.events import (
    FulfillmentEvent,
    FulfillmentOrderUnfulfillable,
    OfferAccepted,
    OfferExpired,
    OfferRejected,
    OfferSubmitted,
)
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.performance import ProviderNote
from services.fulfillment.domain.promise import DeliveryPromise
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.ranking import RankedProvider, ranking_for
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
    ServiceLevel,
)

# As many places of a ranking are kept with the offer it led to.
_MOST_EXPLAINED = 20


@dataclass(kw_only=True, eq=False)
class Work(Aggregate[FulfillmentEvent]):
    """
    What is to be sent from one location, where to, and who is asked to do it.

    Every change records an event; a verb that repeats what was done records nothing.

    Attributes:
        goods: What to send, each SKU once.
        offers: Who was asked, oldest first; at most one of them is live.
        change_number: The last change of the order that it follows; 0: none.
        promise: When everything is to arrive; `None` until a provider has accepted.
        notes: What its provider's days are to count, and do not yet.
    """

    id: FulfillmentOrderId
    order_id: OrderId
    location_id: LocationId
    goods: tuple[Goods, ...]
    ship_to: Address
    status: FulfillmentOrderStatus = FulfillmentOrderStatus.OPEN
    request_status: RequestStatus = RequestStatus.UNSUBMITTED
    offers: tuple[Offer, ...] = ()
    change_number: int = 0
    service_level: ServiceLevel = ServiceLevel.STANDARD
    promise: DeliveryPromise | None = None
    notes: list[ProviderNote] = field(default_factory=list, init=False, repr=False)

    @property
    def live_offer(self) -> Offer | None:
        return next((offer for offer in self.offers if offer.is_live), None)

    @property
    def done_by(self) -> ProviderId | None:
        """
        Return who has accepted the work, if somebody has.
        """
        accepted = (o.provider_id for o in self.offers if o.state is OfferState.ACCEPTED)
        return next(accepted, None)

    def seek_provider(
        self, ranking: Sequence[RankedProvider], *, offer_id: OfferId, expires_at: datetime
    ) -> None:
        """
        Offer the work to the best of *ranking* that was not asked yet, or say that nobody wants
        it.
        """
        asked = {offer.provider_id for offer in self.offers}
        ranking = ranking_for(ranking, work=self.id, asked=asked)
        if not ranking or ranking[0].excluded:
            self.status = FulfillmentOrderStatus.UNFULFILLABLE
            self.record(
                FulfillmentOrderUnfulfillable(
                    fulfillment_order_id=self.id,
                    order_id=self.order_id,
                    location_id=self.location_id,
                )
            )
            return
        offer = Offer(
            id=offer_id,
            provider_id=ranking[0].provider_id,
            expires_at=expires_at,
            change_number=self.change_number,
            day=ranking[0].day,
            ranking=tuple(ranking[:_MOST_EXPLAINED]),
        )
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

    def accept(self, offer_id: OfferId, provider: Provider, day: date, *, taken: int) -> bool:
        """
        Take the work on, and return whether it was not before. Let what is overdue `lapse`
        first: it can't be accepted any more.

        Args:
            day: The provider's day that it fills.
            taken: How many fulfillment orders fill that day already.

        Raises:
            OfferNotFound: It was never made to this provider.
            OfferRejected, OfferExpired, OfferWithdrawn: It is over.
            CapacityExceeded: The day is full.
        """
        offer = self._offer_to(provider.id, offer_id)
        offer.must_be_acceptable()
        if offer.state is OfferState.ACCEPTED:
            return False  # asked again: the first answer may have been lost
        if not provider.has_room_after(taken):
            raise refusals.CapacityExceeded(f"{provider.id} has taken on {taken} for {day}")
        self.promise = provider.promise_from(day, self.service_level)
        self._replace_offer(replace(offer, state=OfferState.ACCEPTED, day=day))
        self.notes.append(ProviderNote(provider_id=provider.id, day=day, accepted=1, taken=1))
        self.status = FulfillmentOrderStatus.IN_PROGRESS
        self.request_status = RequestStatus.ACCEPTED
        self.record(
            OfferAccepted(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                offer_id=offer.id,
                provider_id=offer.provider_id,
                first_day=self.promise.first_day,
                last_day=self.promise.last_day,
            )
        )
        return True

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
        if offer.day:
            self.notes.append(ProviderNote(provider_id=provider_id, day=offer.day, rejected=1))
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
        if offer.day:
            note = ProviderNote(provider_id=offer.provider_id, day=offer.day, expired=1)
            self.notes.append(note)
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

    def pull_notes(self) -> list[ProviderNote]:
        """
        Return what the days of its providers are to count, and forget it.
        """
        notes, self.notes = self.notes, []
        return notes

    def _offer_to(self, provider_id: ProviderId, offer_id: OfferId) -> Offer:
        for offer in self.offers:
            if offer.id == offer_id and offer.provider_id == provider_id:
                return offer
        raise refusals.OfferNotFound(f"there is no offer {offer_id} to {provider_id}")

    def _replace_offer(self, new: Offer) -> None:
        self.offers = tuple(new if offer.id == new.id else offer for offer in self.offers)
