"""What carriers say, on the wire."""

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.text import check_text, check_words
from chassis.rpc.timestamps import timestamp_from_wire, timestamp_to_wire
from retail.fulfillment.v1 import fulfillment_service_pb2
from retail.fulfillment.v1 import shipment_service_pb2 as pb
from services.fulfillment.application.shipments.record_tracking import RecordTracking
from services.fulfillment.domain.tracking import TrackingEvent, TrackingState
from services.fulfillment.domain.values import ShipmentId
from services.fulfillment.wire.fields import entries_from_wire
from services.fulfillment.wire.packing import shipment_id_from_wire

_STATES = {
    fulfillment_service_pb2.TrackingState.Value(f"TRACKING_STATE_{state}"): state
    for state in TrackingState
}


class ParcelNotNamed(InvalidInput):
    pass


class TrackingStateUnknown(InvalidInput):
    pass


def tracking_from_wire(request: pb.RecordTrackingRequest) -> list[RecordTracking | DomainError]:
    def recording(wire: pb.TrackingEvent, field: str) -> RecordTracking:
        if not wire.shipment_id and not wire.tracking_number:
            raise ParcelNotNamed(
                f"{field} must have a shipment_id or a tracking_number", field=field
            )
        number = check_text(wire.tracking_number, f"{field}.tracking_number", most=200)
        return RecordTracking(
            shipment_id=(
                shipment_id_from_wire(wire.shipment_id, f"{field}.shipment_id")
                if wire.shipment_id
                else None
            ),
            tracking_number=number,
            event=_event_from_wire(wire, field),
        )

    return entries_from_wire(request.events, "events", recording)


def tracking_event_to_wire(event: TrackingEvent, shipment_id: ShipmentId) -> pb.TrackingEvent:
    return pb.TrackingEvent(
        event_id=event.event_id,
        shipment_id=str(shipment_id),
        state=f"TRACKING_STATE_{event.state}",
        occur_time=timestamp_to_wire(event.occurred_at),
        place=event.place,
        description=event.description,
    )


def _event_from_wire(wire: pb.TrackingEvent, field: str) -> TrackingEvent:
    if wire.state not in _STATES:
        raise TrackingStateUnknown(
            f"{field}.state must be one that is known", field=f"{field}.state"
        )
    return TrackingEvent(
        event_id=check_text(wire.event_id, f"{field}.event_id", least=1, most=100),
        state=_STATES[wire.state],
        occurred_at=timestamp_from_wire(wire.occur_time, f"{field}.occur_time"),
        place=check_words(wire.place, f"{field}.place", most=200),
        description=check_words(wire.description, f"{field}.description", most=200),
    )
