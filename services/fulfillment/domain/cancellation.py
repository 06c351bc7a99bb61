"""Work that can be given up: at once if nobody does it, else if whoever does it agrees."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.fulfillment.domain import refusals
from services.fulfillment.domain.events import (
    CancellationAccepted,
    CancellationRejected,
    CancellationRequested,
    FulfillmentOrderCancelled,
)
from services.fulfillment.domain.performance import ProviderNote
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    OfferState,
    ProviderId,
    RequestStatus,
)
from services.fulfillment.domain.work import Work

_ANSWERED = {RequestStatus.CANCELLATION_ACCEPTED, RequestStatus.CANCELLATION_REJECTED}


@dataclass(kw_only=True, eq=False)
class CancellableWork(Work):
    """
    Work whose provider can be asked to give it up.

    Who agrees has the work still: it is given up once all who work on the order agree. The rules
    for the whole of an order stand in `whole_cancellation.py`.

    Attributes:
        answer_cancellation_by: Until when the provider is to answer, or was; `None`: never asked.
    """

    answer_cancellation_by: datetime | None = None

    @property
    def is_asked(self) -> bool:
        """
        Whether its provider has yet to say if it can be given up.
        """
        return self.request_status is RequestStatus.CANCELLATION_REQUESTED

    @property
    def has_agreed(self) -> bool:
        """
        Whether its provider can give it up, and others on the same order have yet to answer.
        """
        return (
            self.status is FulfillmentOrderStatus.IN_PROGRESS
            and self.request_status is RequestStatus.CANCELLATION_ACCEPTED
        )

    def request_cancellation(self, answer_by: datetime) -> None:
        """
        Ask whoever does the work to give it up; who is asked or has agreed is not asked again.
        """
        provider_id = self.done_by
        if provider_id is None or self.is_asked or self.has_agreed:
            return
        self.request_status = RequestStatus.CANCELLATION_REQUESTED
        self.answer_cancellation_by = answer_by
        self.record(
            CancellationRequested(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                provider_id=provider_id,
                answer_by=answer_by,
            )
        )

    def answer_cancellation(self, provider_id: ProviderId, *, accepted: bool, reason: str) -> None:
        """
        Say whether the work can be given up. The same answer again changes nothing.

        Raises:
            NotTheProvider: It is not this provider's work.
            CancellationNotRequested: Nobody asked.
            CancellationAnswered: The opposite is decided.
        """
        self._must_have_been_asked(provider_id)
        if not self.is_asked:
            if accepted != (self.request_status is RequestStatus.CANCELLATION_ACCEPTED):
                raise refusals.CancellationAnswered(
                    f"it is decided already: the work {self.id} is {self.request_status}"
                )
        elif accepted:
            self._agree()
        else:
            self.keep(reason)

    def lapse_cancellation(self, now: datetime) -> None:
        """
        Take silence for a yes, if the time to answer is over.
        """
        if self.is_asked and self.answer_cancellation_by and self.answer_cancellation_by <= now:
            self._agree()

    def keep(self, reason: str) -> None:
        """
        Go on with the work, if it was asked to be given up.
        """
        provider_id = self.done_by
        if provider_id is None or not (self.is_asked or self.has_agreed):
            return
        self.request_status = RequestStatus.CANCELLATION_REJECTED
        self.record(
            CancellationRejected(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                provider_id=provider_id,
                reason=reason,
            )
        )

    def must_not_be_kept(self, now: datetime) -> None:
        """
        Raises:
            CancellationRejected: It was asked to be given up, and the no still holds: until the
                time to answer is over. Whoever asks later has the provider asked anew.
        """
        rejected = self.request_status is RequestStatus.CANCELLATION_REJECTED
        if rejected and self.answer_cancellation_by and now < self.answer_cancellation_by:
            raise refusals.CancellationRejected(
                f"the provider does not give up order {self.order_id} at {self.location_id}"
            )

    def must_not_be_asked(self) -> None:
        """
        Raises:
            CancellationUnderWay: It may be given up: providers have been asked.
        """
        if self.is_asked:
            raise refusals.CancellationUnderWay(f"the work {self.id} may be given up")
        self._must_not_have_agreed()

    def _must_not_have_agreed(self) -> None:
        if self.has_agreed:
            raise refusals.CancellationUnderWay(
                f"the provider of {self.id} has agreed to give it up; others have yet to answer"
            )

    def _must_have_been_asked(self, provider_id: ProviderId) -> None:
        theirs = (OfferState.ACCEPTED, OfferState.WITHDRAWN)
        if not any(o.provider_id == provider_id and o.state in theirs for o in self.offers):
            raise refusals.NotTheProvider(f"{provider_id} does not do the work {self.id}")
        asked = self.is_asked or self.request_status in _ANSWERED
        if self.answer_cancellation_by is None or not asked:
            raise refusals.CancellationNotRequested(f"nobody asked to give up the work {self.id}")

    def _agree(self) -> None:
        provider_id = self.done_by
        assert provider_id
        self.request_status = RequestStatus.CANCELLATION_ACCEPTED
        self.record(
            CancellationAccepted(
                fulfillment_order_id=self.id, order_id=self.order_id, provider_id=provider_id
            )
        )

    def _give_up(self) -> None:
        if offer := self.live_offer:
            self._replace_offer(replace(offer, state=OfferState.WITHDRAWN))
            if offer.state is OfferState.ACCEPTED and offer.day:
                note = ProviderNote(provider_id=offer.provider_id, day=offer.day, taken=-1)
                self.notes.append(note)
        self.status = FulfillmentOrderStatus.CANCELLED
        self.request_status = RequestStatus.CANCELLATION_ACCEPTED
        self.record(FulfillmentOrderCancelled(fulfillment_order_id=self.id, order_id=self.order_id))
