"""Everything the order service listens to."""

from collections.abc import Callable, Sequence
from datetime import UTC
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.events.handlers import Subscription
from chassis.kernel.clock import Clock
from chassis.kernel.text import Sku
from chassis.storage.database import Transaction as OpenTransaction
from retail.fulfillment.v1 import fulfillment_events_pb2 as pb
from services.order.application.note_deliveries import NoteDelivery, note_deliveries
from services.order.application.note_dispatches import NoteDispatch, note_dispatches
from services.order.application.note_lost_parcels import NoteLostParcel, note_lost_parcels
from services.order.application.note_providers_asked import (
    NoteProviderAsked,
    note_providers_asked,
)
from services.order.application.note_unfulfillable import NoteUnfulfillable, note_unfulfillable
from services.order.application.note_work_accepted import NoteWorkAccepted, note_work_accepted
from services.order.application.note_work_given_up import NoteWorkGivenUp, note_work_given_up
from services.order.application.note_work_kept import NoteWorkKept, note_work_kept
from services.order.application.ports import Transaction
from services.order.application.returns.note_returns import note_returns
from services.order.domain.values import Goods, LocationId, OrderId, ShipmentId
from services.order.wire.returns import note_return_from_wire

HEARS = "fulfillment"

# Joins the open transaction that also moves the inbox.
Join = Callable[[OpenTransaction], Transaction]


def subscriptions(join: Join, clock: Clock) -> Sequence[Subscription]:
    """
    Return what to do at which event of fulfillment.
    """

    async def accepted(events: Sequence[pb.OfferAccepted], tx: OpenTransaction) -> None:
        commands = [
            NoteWorkAccepted(order_id=_order_id(event.order_id), provider_id=event.provider_id)
            for event in events
        ]
        await note_work_accepted(commands, tx=join(tx), clock=clock)

    async def dispatched(events: Sequence[pb.ShipmentDispatched], tx: OpenTransaction) -> None:
        commands = [
            NoteDispatch(
                order_id=_order_id(event.order_id),
                shipment_id=ShipmentId(UUID(event.shipment_id)),
                location_id=LocationId(event.location_id),
                goods=tuple(Goods(sku=Sku(g.sku), units=g.quantity) for g in event.goods),
                at=event.dispatch_time.ToDatetime(UTC),
                change_number=event.change_number,
            )
            for event in events
        ]
        await note_dispatches(commands, tx=join(tx), clock=clock)

    async def delivered(events: Sequence[pb.ShipmentDelivered], tx: OpenTransaction) -> None:
        commands = [
            NoteDelivery(
                order_id=_order_id(event.order_id),
                shipment_id=ShipmentId(UUID(event.shipment_id)),
                at=event.deliver_time.ToDatetime(UTC),
            )
            for event in events
        ]
        await note_deliveries(commands, tx=join(tx), clock=clock)

    async def unfulfillable(
        events: Sequence[pb.FulfillmentOrderUnfulfillable], tx: OpenTransaction
    ) -> None:
        commands = [
            NoteUnfulfillable(
                order_id=_order_id(event.order_id), location_id=LocationId(event.location_id)
            )
            for event in events
        ]
        await note_unfulfillable(commands, tx=join(tx), clock=clock)

    async def asked(events: Sequence[pb.CancellationRequested], tx: OpenTransaction) -> None:
        commands = [
            NoteProviderAsked(order_id=_order_id(event.order_id), provider_id=event.provider_id)
            for event in events
        ]
        await note_providers_asked(commands, tx=join(tx), clock=clock)

    async def kept(events: Sequence[pb.CancellationRejected], tx: OpenTransaction) -> None:
        commands = [
            NoteWorkKept(
                order_id=_order_id(event.order_id),
                provider_id=event.provider_id,
                reason=event.reason,
            )
            for event in events
        ]
        await note_work_kept(commands, tx=join(tx), clock=clock)

    async def given_up(events: Sequence[pb.FulfillmentOrderCancelled], tx: OpenTransaction) -> None:
        commands = [NoteWorkGivenUp(order_id=_order_id(event.order_id)) for event in events]
        await note_work_given_up(commands, tx=join(tx), clock=clock)

    async def lost(
        events: Sequence[pb.ShipmentLost | pb.ShipmentReturnedToSender], tx: OpenTransaction
    ) -> None:
        commands = [
            NoteLostParcel(
                order_id=_order_id(event.order_id),
                shipment_id=ShipmentId(UUID(event.shipment_id)),
                comes_back=isinstance(event, pb.ShipmentReturnedToSender),
                at=_lost_at(event).ToDatetime(UTC),
            )
            for event in events
        ]
        await note_lost_parcels(commands, tx=join(tx), clock=clock)

    async def received(events: Sequence[pb.ReturnReceived], tx: OpenTransaction) -> None:
        commands = [note_return_from_wire(event) for event in events]
        await note_returns(commands, tx=join(tx), clock=clock)

    return (
        Subscription(pb.OfferAccepted, accepted),
        Subscription(pb.CancellationRequested, asked),
        Subscription(pb.CancellationRejected, kept),
        Subscription(pb.FulfillmentOrderCancelled, given_up),
        Subscription(pb.ShipmentDispatched, dispatched),
        Subscription(pb.ShipmentDelivered, delivered),
        Subscription(pb.FulfillmentOrderUnfulfillable, unfulfillable),
        Subscription(pb.ShipmentLost, lost),
        Subscription(pb.ShipmentReturnedToSender, lost),
        Subscription(pb.ReturnReceived, received),
    )


def _lost_at(event: pb.ShipmentLost | pb.ShipmentReturnedToSender) -> Timestamp:
    return event.lose_time if isinstance(event, pb.ShipmentLost) else event.return_time


def _order_id(text: str) -> OrderId:
    return OrderId(UUID(text))
