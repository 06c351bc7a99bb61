"""The parcels of some work, from packing to whatever becomes of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from chassis.kernel.errors import RuleViolated
from chassis.kernel.quantity import Quantity
from services.fulfillment.domain import refusals
from services.fulfillment.domain.cancellation import CancellableWork
from services.fulfillment.domain.events import (
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentReturnedToSender,
)
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    Goods,
    ProviderId,
    RequestStatus,
    ShipmentId,
    ShipmentState,
    merged,
    units_of,
)


@dataclass(kw_only=True, eq=False)
class Parcels(CancellableWork):
    """
    Work and the parcels that it leaves in. What is in one parcel is left for no other.

    Packing and what carriers say concern nobody else: they record no events.

    Attributes:
        shipments: The parcels, oldest first.
    """

    shipments: tuple[Shipment, ...] = ()

    @property
    def packed(self) -> tuple[Goods, ...]:
        return merged(some for shipment in self.shipments for some in shipment.goods)

    @property
    def dispatched(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.has_left for some in s.goods)

    @property
    def delivered(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.is_delivered for some in s.goods)

    @property
    def ended(self) -> tuple[Goods, ...]:
        return merged(some for s in self.shipments if s.has_ended for some in s.goods)

    def shipment(self, shipment_id: ShipmentId) -> Shipment | None:
        return next((s for s in self.shipments if s.id == shipment_id), None)

    def pack(
        self,
        shipment_id: ShipmentId,
        provider_id: ProviderId,
        *,
        goods: Iterable[Goods],
        weight_grams: int,
        carrier: str,
        now: datetime,
    ) -> bool:
        """
        Set *goods* aside for a parcel; all that is in none yet, if none are named. Return whether
        that is new, and a label is to be made.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
            ShipmentMismatch: There is this parcel already, with something else in it.
            CancellationRequested: The provider is asked to give the work up.
            CancellationUnderWay: It has agreed to.
            PackedTooMuch: That is more than is left to pack.
        """
        self._must_be_done_by(provider_id)
        goods = merged(goods)
        if known := self.shipment(shipment_id):
            if not known.is_packed_as(goods, weight_grams, carrier):
                raise refusals.ShipmentMismatch(
                    f"there is a shipment {shipment_id} with something else in it"
                )
            return False  # told again: the first answer may have been lost
        if self.request_status is RequestStatus.CANCELLATION_REQUESTED:
            raise refusals.CancellationRequested(f"the work {self.id} is to be given up")
        self._must_not_have_agreed()
        shipment = Shipment(
            id=shipment_id,
            state=ShipmentState.PENDING,
            goods=self._taken_from_left(goods, refusals.PackedTooMuch),
            goods_named=bool(goods),
            weight_grams=weight_grams,
            carrier=carrier,
            packed_at=now,
        )
        self.shipments = (*self.shipments, shipment)
        return True

    def label(self, shipment_id: ShipmentId, *, tracking_number: str, carrier: str) -> None:
        """
        Note that the label of a parcel is made: it can leave. Who packed it may have said who
        carries it; else the label does.
        """
        shipment = self.shipment(shipment_id)
        if shipment and shipment.state is ShipmentState.PENDING:
            self._put(
                replace(
                    shipment,
                    state=ShipmentState.PACKED,
                    tracking_number=tracking_number,
                    carrier=shipment.carrier or carrier,
                )
            )

    def unpack(self, shipment_id: ShipmentId, provider_id: ProviderId) -> None:
        """
        Take a parcel apart: what was in it is left to be packed again.

        Raises:
            FulfillmentOrderNotAccepted: No provider does this work.
            NotTheProvider: Another one does.
            ShipmentNotFound: There is no such parcel, or no more.
            AlreadyDispatched: It has left.
        """
        self._must_be_done_by(provider_id)
        shipment = self._known(shipment_id)
        if shipment.has_left:
            raise refusals.AlreadyDispatched(f"shipment {shipment_id} has left")
        self.shipments = tuple(s for s in self.shipments if s is not shipment)

    def track(self, shipment_id: ShipmentId, event: TrackingEvent, now: datetime) -> None:
        """
        Note what the carrier says of a parcel. If it is on its way and the carrier knows its end,
        it has ended; nothing else that a carrier says changes what we know.

        Raises:
            ShipmentNotFound: There is no such parcel.
        """
        shipment = self._known(shipment_id)
        heard = shipment.heard(event)
        if heard is not shipment:
            self._put(heard)
            self._end_as_heard(heard, now)

    def deliver(self, shipment_id: ShipmentId, now: datetime) -> None:
        """
        Note that a parcel arrived.

        Raises:
            ShipmentNotFound, ShipmentNotDispatched: No such parcel left.
            ShipmentEnded: It came to another end.
        """
        self._end(shipment_id, ShipmentState.DELIVERED, now)

    def lose(self, shipment_id: ShipmentId, now: datetime) -> None:
        """
        Give a parcel up as lost.

        Raises:
            ShipmentNotFound, ShipmentNotDispatched: No such parcel left.
            ShipmentEnded: It came to another end.
        """
        self._end(shipment_id, ShipmentState.LOST, now)

    def return_to_sender(self, shipment_id: ShipmentId, now: datetime) -> None:
        """
        Note that a parcel comes back undelivered.

        Raises:
            ShipmentNotFound, ShipmentNotDispatched: No such parcel left.
            ShipmentEnded: It came to another end.
        """
        self._end(shipment_id, ShipmentState.RETURNED_TO_SENDER, now)

    def _send(self, shipment: Shipment, now: datetime) -> None:
        """
        Let *shipment* leave, new or packed before.
        """
        sent = replace(shipment, state=ShipmentState.DISPATCHED, dispatched_at=now)
        if self.shipment(sent.id):
            self._put(sent)
        else:
            self.shipments = (*self.shipments, sent)
        self.record(
            ShipmentDispatched(
                fulfillment_order_id=self.id,
                order_id=self.order_id,
                shipment_id=sent.id,
                location_id=self.location_id,
                goods=sent.goods,
                dispatched_at=now,
                change_number=self.change_number,
            )
        )
        self.keep("a parcel has left")
        # The carrier may have been faster to say what became of it, and will not say it again.
        self._end_as_heard(sent, now)

    def _end_as_heard(self, shipment: Shipment, now: datetime) -> None:
        word = shipment.end_word
        if shipment.state is not ShipmentState.DISPATCHED or word is None:
            return
        # The carrier's clock is believed as far as it can be right.
        at = min(max(word.at, shipment.dispatched_at or now), now)
        delivered = word.state is TrackingState.DELIVERED
        end = ShipmentState.DELIVERED if delivered else ShipmentState.RETURNED_TO_SENDER
        self._end(shipment.id, end, at)

    def _end(self, shipment_id: ShipmentId, state: ShipmentState, at: datetime) -> None:
        """
        Let a parcel come to an end; with the last one the work is done.
        """
        shipment = self._known(shipment_id)
        if shipment.state is state:
            return  # told again
        if not shipment.has_left:
            raise refusals.ShipmentNotDispatched(f"shipment {shipment_id} has not left")
        if shipment.has_ended:
            raise refusals.ShipmentEnded(f"shipment {shipment_id} is {shipment.state}")
        if state is ShipmentState.DELIVERED:
            ended = replace(shipment, state=state, delivered_at=at)
        else:
            ended = replace(shipment, state=state, ended_at=at)
        self._put(ended)
        if units_of(self.ended) == units_of(self.goods):
            self.status = FulfillmentOrderStatus.CLOSED
        self._note_end(ended, at)
        self._tell_end(shipment_id, state, at)

    def _note_end(self, parcel: Shipment, at: datetime) -> None:
        """
        Note how the provider did with a parcel that has just ended; and, if it was the last,
        whether the promise was kept.
        """
        offer, promise = self.live_offer, self.promise
        if offer is None or promise is None:
            return  # taken on before there were promises
        note = promise.note_on(parcel, by=offer.provider_id, now=at)
        if note:
            self.notes.append(note)
        if self.status is FulfillmentOrderStatus.CLOSED:
            self.promise = promise.settled(self.shipments)

    def _tell_end(self, shipment_id: ShipmentId, state: ShipmentState, at: datetime) -> None:
        event: ShipmentDelivered | ShipmentLost | ShipmentReturnedToSender
        work, order = self.id, self.order_id
        if state is ShipmentState.DELIVERED:
            event = ShipmentDelivered(
                fulfillment_order_id=work, order_id=order, shipment_id=shipment_id, delivered_at=at
            )
        elif state is ShipmentState.LOST:
            event = ShipmentLost(
                fulfillment_order_id=work, order_id=order, shipment_id=shipment_id, lost_at=at
            )
        else:
            event = ShipmentReturnedToSender(
                fulfillment_order_id=work, order_id=order, shipment_id=shipment_id, returned_at=at
            )
        self.record(event)

    def _known(self, shipment_id: ShipmentId) -> Shipment:
        shipment = self.shipment(shipment_id)
        if shipment is None:
            raise refusals.ShipmentNotFound(f"there is no shipment {shipment_id}")
        return shipment

    def _put(self, new: Shipment) -> None:
        self.shipments = tuple(new if s.id == new.id else s for s in self.shipments)

    def _unpack_all(self) -> None:
        self.shipments = tuple(s for s in self.shipments if s.has_left)

    def _taken_from_left(
        self, goods: tuple[Goods, ...], too_much: type[RuleViolated]
    ) -> tuple[Goods, ...]:
        """
        Return *goods*, or all that is in no parcel yet.
        """
        taken = {some.sku: some.quantity.units for some in self.packed}
        left = {some.sku: some.quantity.units - taken.get(some.sku, 0) for some in self.goods}
        for some in goods:
            if some.quantity.units > left.get(some.sku, 0):
                raise too_much(
                    f"{some.quantity.units} of {some.sku} are more than the"
                    f" {left.get(some.sku, 0)} that are in no parcel yet"
                )
        rest = tuple(Goods(sku, Quantity(units)) for sku, units in left.items() if units)
        if not rest:
            raise too_much("everything is in a parcel already")
        return goods or rest

    def _must_be_done_by(self, provider_id: ProviderId) -> None:
        offer = self.live_offer
        if offer is None or offer.is_open:
            raise refusals.FulfillmentOrderNotAccepted(f"no provider does the work {self.id}")
        if offer.provider_id != provider_id:
            raise refusals.NotTheProvider(f"another provider than {provider_id} does {self.id}")
