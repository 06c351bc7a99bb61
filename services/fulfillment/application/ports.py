"""What the use cases need from the outside, in their own words."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from services.fulfillment.application.providers.ports import (
    OfferExplanations,
    ProviderDays,
    Providers,
)
from services.fulfillment.application.returns.ports import Returns
from services.fulfillment.application.shipments.ports import ParcelLabels, Tracking
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.values import (
    FulfillmentOrderId,
    OfferId,
    OrderId,
    ProviderId,
    ShipmentId,
)


class FulfillmentOrders(Protocol):
    """
    The work on every order there is.

    What is read by anything but `of_order` and `done_by` is locked until the transaction ends, in
    one global order: of two verbs at once on one fulfillment order, the second sees what the first
    one did.
    """

    async def with_ids(self, ids: Collection[FulfillmentOrderId]) -> Sequence[FulfillmentOrder]: ...

    async def with_offers(self, offer_ids: Collection[OfferId]) -> Sequence[FulfillmentOrder]: ...

    async def beside(self, ids: Collection[FulfillmentOrderId]) -> Sequence[FulfillmentOrder]:
        """
        Return those with these ids and all other work on their orders.
        """
        ...

    async def of_orders(self, order_ids: Collection[OrderId]) -> Sequence[FulfillmentOrder]: ...

    async def with_overdue_offers(self, now: datetime, *, limit: int) -> Sequence[FulfillmentOrder]:
        """
        Return those whose offer is overdue, the longest first; not those that another
        transaction has locked.
        """
        ...

    async def with_overdue_shipments(
        self, dispatched_by: datetime, *, limit: int
    ) -> Sequence[FulfillmentOrder]:
        """
        Return those of which a parcel is under way since then or longer, the longest first; not
        those that another transaction has locked. Of *limit* parcels at most.
        """
        ...

    async def of_order(self, order_id: OrderId) -> Sequence[FulfillmentOrder]:
        """
        Return the work on one order as of one moment, by location, to be looked at only. It must
        be the first thing its transaction does.
        """
        ...

    async def done_by(
        self, provider_id: ProviderId, *, after: FulfillmentOrderId | None, limit: int
    ) -> Sequence[FulfillmentOrder]:
        """
        Return the work that a provider has accepted and that has not ended, by id, as of one
        moment, to be looked at only. It must be the first thing its transaction does.
        """
        ...

    async def holders_of(
        self, shipment_ids: Collection[ShipmentId]
    ) -> Mapping[ShipmentId, FulfillmentOrderId]:
        """
        Return of which fulfillment orders these shipments are; those that were packed or left.
        """
        ...

    async def save(self, orders: Sequence[FulfillmentOrder]) -> None:
        """
        Write those of *orders* that have recorded events or have other parcels, and tell the
        events.

        Raises:
            Conflict: Someone else changed one of them, or packed one of their new shipments.
        """
        ...


class Intake(Protocol):
    """
    Which orders came in, or must not any more. An order passes once, whoever comes first: its
    confirmation, which opens the work, or its cancellation, which leaves nothing to open.
    """

    async def admit(self, order_ids: Collection[OrderId]) -> Set[OrderId]:
        """
        Return those that pass now, to be opened.
        """
        ...

    async def shut(self, order_ids: Collection[OrderId]) -> None:
        """
        Let none of them pass from now on. If one is passing at this moment, this waits until its
        work is there to be seen.
        """
        ...

    async def shut_among(self, order_ids: Collection[OrderId]) -> Set[OrderId]:
        """
        Return those that were cancelled before they came in.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedWork:
    """
    An open offer and the work it is for, with no other provider's offers.
    """

    offer: Offer
    order: FulfillmentOrder


class OpenOffers(Protocol):
    """
    The offers that wait for an answer, to be looked at only.
    """

    async def of(self, provider_id: ProviderId) -> Mapping[OfferId, int]:
        """
        Return those to a provider, each with the number of the last change it follows.
        """
        ...

    async def read(
        self, provider_id: ProviderId, ids: Collection[OfferId]
    ) -> Sequence[OfferedWork]:
        """
        Return those of *ids* that are open offers to this provider, oldest first.
        """
        ...

    async def next_expiry(self) -> datetime | None:
        """
        Return when the first of all open offers expires.
        """
        ...


class OpenCancellations(Protocol):
    """
    The work whose providers are asked to give it up and have yet to answer, to be looked at only.
    """

    async def of(self, provider_id: ProviderId) -> Mapping[FulfillmentOrderId, datetime]:
        """
        Return that of a provider, each with the time by which it is to answer.
        """
        ...

    async def read(
        self, provider_id: ProviderId, ids: Collection[FulfillmentOrderId]
    ) -> Sequence[FulfillmentOrder]:
        """
        Return that of *ids* which this provider is asked about, with no other provider's offers.
        """
        ...

    async def overdue(self, now: datetime, *, limit: int) -> Set[OrderId]:
        """
        Return the orders on which somebody has not answered in time, the longest first.
        """
        ...

    async def next_deadline(self) -> datetime | None:
        """
        Return by when the first of all is to be answered.
        """
        ...


class Transaction(Protocol):
    """
    What one database transaction can reach.
    """

    @property
    def fulfillment_orders(self) -> FulfillmentOrders: ...

    @property
    def intake(self) -> Intake: ...

    @property
    def open_offers(self) -> OpenOffers: ...

    @property
    def open_cancellations(self) -> OpenCancellations: ...

    @property
    def providers(self) -> Providers: ...

    @property
    def offer_explanations(self) -> OfferExplanations: ...

    @property
    def provider_days(self) -> ProviderDays: ...

    @property
    def returns(self) -> Returns: ...

    @property
    def parcel_labels(self) -> ParcelLabels: ...

    @property
    def tracking(self) -> Tracking: ...


# Call it to begin. The block commits when it ends and rolls back when it raises.
UnitOfWork = Callable[[], AbstractAsyncContextManager[Transaction]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """
    What a provider has to see to.

    Attributes:
        offers: Open offers, each with the number of the last change it follows.
        cancellations: Work it is asked to give up, each with the time by which it is to answer.
    """

    offers: Mapping[OfferId, int] = field(default_factory=dict)
    cancellations: Mapping[FulfillmentOrderId, datetime] = field(default_factory=dict)


# Yields what a provider has to see to since just now: new, or changed; first of all, and whenever
# something may have been missed, `None`: look for yourself. Ends when nobody should watch any more.
News = AsyncIterator[Noticed | None]


class OfferNotices(Protocol):
    """
    Who hears at once when an offer is made or changed, or a cancellation requested.
    """

    def of(self, provider_id: ProviderId) -> AbstractContextManager[News]: ...
