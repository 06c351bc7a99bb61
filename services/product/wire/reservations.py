"""Reservations on the wire."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.rpc.errors import status_from_error
from chassis.rpc.timestamps import timestamp_to_wire
from chassis.telemetry.tracing import trace_for
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.reservations.confirm_reservations import ConfirmReservation
from services.product.application.reservations.consume_reservations import ConsumeReservation
from services.product.application.reservations.release_reservations import ReleaseReservation
from services.product.application.reservations.reserve_stock import ReserveStock
from services.product.domain.reservation import (
    DEFAULT_HOLD,
    LONGEST_HOLD,
    HoldOutOfRange,
    Reservation,
    ReservationState,
    Shipment,
)
from services.product.domain.values import ReservationId, ShipmentId, parse_location
from services.product.wire.fields import DOMAIN, lines_from_wire

# Looked up by name once, not for every reservation.
STATES: Mapping[ReservationState, pb.ReservationState] = {
    state: getattr(pb, f"RESERVATION_STATE_{state}") for state in ReservationState
}


def reservation_from_wire(wire: pb.ReservationRequest, field: str) -> ReserveStock:
    reservation_id = parse_id(wire.reservation_id, f"{field}.reservation_id")
    return ReserveStock(
        reservation_id=ReservationId(reservation_id),
        lines=lines_from_wire(wire.lines, f"{field}.lines"),
        duration=hold_from_wire(wire.hold, f"{field}.hold")
        if wire.HasField("hold")
        else DEFAULT_HOLD,
        trace=trace_for(reservation_id),
    )


def confirmation_from_wire(reservation_id: str, field: str) -> ConfirmReservation:
    return ConfirmReservation(reservation_id=ReservationId(parse_id(reservation_id, field)))


def release_from_wire(reservation_id: str, field: str) -> ReleaseReservation:
    return ReleaseReservation(reservation_id=ReservationId(parse_id(reservation_id, field)))


def consumption_from_wire(wire: pb.Consumption, field: str) -> ConsumeReservation:
    return ConsumeReservation(
        reservation_id=ReservationId(parse_id(wire.reservation_id, f"{field}.reservation_id")),
        shipment=Shipment(
            id=ShipmentId(parse_id(wire.shipment_id, f"{field}.shipment_id")),
            location_id=parse_location(wire.location_id, f"{field}.location_id"),
            lines=lines_from_wire(wire.lines, f"{field}.lines"),
        ),
    )


def hold_from_wire(wire: Duration, field: str) -> timedelta:
    nanos = wire.seconds * 10**9 + wire.nanos
    if not 0 < nanos <= LONGEST_HOLD.total_seconds() * 10**9:
        raise HoldOutOfRange(f"{field} must be above 0 and at most 24 hours", field=field)
    return timedelta(microseconds=max(nanos // 1_000, 1))


def write_results(
    answers: Iterable[Reservation | DomainError],
    results: RepeatedCompositeFieldContainer[pb.ReservationResult],
) -> None:
    """
    Write *answers* into *results* of a response.
    """
    for answer in answers:
        write_result(answer, results.add())


def write_result(answer: Reservation | DomainError, result: pb.ReservationResult) -> None:
    """
    Write *answer* into *result*, where it is to stay: a message that is put into another one is
    copied, and there are thousands of them a second.
    """
    if isinstance(answer, DomainError):
        result.error.CopyFrom(status_from_error(answer, DOMAIN))
        return
    wire = result.reservation
    wire.reservation_id = str(answer.id)
    wire.state = STATES[answer.state]
    for a in answer.allocations:
        wire.allocations.add(
            sku=a.sku, location_id=a.location_id, quantity=a.quantity, shipped=a.shipped
        )
    if answer.state is ReservationState.HELD and answer.expires_at:
        wire.expire_time.CopyFrom(timestamp_to_wire(answer.expires_at))
