"""The parcels of some work, from their leaving to whatever becomes of them."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.fulfillment.domain import refusals
from services.fulfillment.domain.events import (
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentReturnedToSender,
)
from services.fulfillment.domain.packing import PackedWork
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import (
    FulfillmentOrderStatus,
    ShipmentId,
    ShipmentState,
    units_of,
)


@dataclass(kw_only=True, eq=False)
class Parcels(PackedWork):
    """
    Work and what becomes of the parcels that it leaves in.

    What carriers say records no events, as long as nothing has ended by it.
    """

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
