"""Reservations on the wire."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.rpc.errors import status_from_error
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


def reservation_from_wire(wire: pb.ReservationRequest, field: str) -> ReserveStock:
    return ReserveStock(
        reservation_id=ReservationId(parse_id(wire.reservation_id, f"{field}.reservation_id")),
        lines=lines_from_wire(wire.lines, f"{field}.lines"),
        duration=hold_from_wire(wire.hold, f"{field}.hold")
        if wire.HasField("hold")
        else DEFAULT_HOLD,
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


def reservation_result_to_wire(answer: Reservation | DomainError) -> pb.ReservationResult:
    if isinstance(answer, DomainError):
        return pb.ReservationResult(error=status_from_error(answer, DOMAIN))
    return pb.ReservationResult(reservation=reservation_to_wire(answer))


def reservation_to_wire(reservation: Reservation) -> pb.Reservation:
    wire = pb.Reservation(
        reservation_id=str(reservation.id),
        state=f"RESERVATION_STATE_{reservation.state}",
        allocations=[
            pb.Allocation(
                sku=a.sku, location_id=a.location_id, quantity=a.quantity, shipped=a.shipped
            )
            for a in reservation.allocations
        ],
    )
    if reservation.state is ReservationState.HELD and reservation.expires_at:
        wire.expire_time.FromDatetime(reservation.expires_at)
    return wire
