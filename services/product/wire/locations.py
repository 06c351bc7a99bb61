"""Locations on the wire."""

from collections.abc import Mapping

from chassis.kernel.errors import InvalidInput
from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.locations.create_location import CreateLocation
from services.product.application.locations.update_location import UpdateLocation
from services.product.domain.location import Location, LocationState
from services.product.domain.values import parse_location
from services.product.wire.fields import within
from services.product.wire.masks import update_mask_from_wire

STATES: Mapping[int, LocationState] = {
    pb.LOCATION_STATE_UNSPECIFIED: LocationState.OPEN,
    **{getattr(pb, f"LOCATION_STATE_{state}"): state for state in LocationState},
}
CHANGEABLE = {"name", "priority", "state"}


class StateUnknown(InvalidInput):
    pass


def create_location_from_wire(request: pb.CreateLocationRequest) -> CreateLocation:
    wire = request.location
    with within("location"):
        location = Location(
            id=parse_location(wire.location_id, "location_id"),
            name=wire.name,
            priority=wire.priority,
            state=state_from_wire(wire.state),
        )
    return CreateLocation(location=location)


def update_location_from_wire(request: pb.UpdateLocationRequest) -> UpdateLocation:
    wire = request.location
    named = update_mask_from_wire(request.update_mask, CHANGEABLE)
    with within("location"):
        return UpdateLocation(
            location_id=parse_location(wire.location_id, "location_id"),
            name=wire.name if "name" in named else None,
            priority=wire.priority if "priority" in named else None,
            state=state_from_wire(wire.state) if "state" in named else None,
            etag=wire.etag,
        )


def state_from_wire(wire: int) -> LocationState:
    if wire not in STATES:
        raise StateUnknown("state must be one that there is", field="state")
    return STATES[wire]


def location_to_wire(location: Location) -> pb.Location:
    return pb.Location(
        location_id=location.id,
        name=location.name,
        priority=location.priority,
        state=f"LOCATION_STATE_{location.state}",
        etag=location.etag,
    )
