"""Reservations on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import parse_sku
from chassis.rpc.errors import status_from_error
from chassis.rpc.timestamps import timestamp_to_wire
from chassis.telemetry.tracing import trace_for
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.reservations.confirm_reservations import ConfirmReservation
from services.product.application.reservations.consume_reservations import ConsumeReservation
from services.product.application.reservations.extend_reservations import ExtendReservation
from services.product.application.reservations.reduce_reservations import ReduceReservation
from services.product.application.reservations.release_reservations import ReleaseReservation
from services.product.application.reservations.reserve_stock import ReserveStock
from services.product.domain.allocation import Shipment
from services.product.domain.location import MOST_LOCATIONS
from services.product.domain.reservation import (
    DEFAULT_HOLD,
    LONGEST_HOLD,
    Reservation,
)
from services.product.domain.stock import FROM_ANYWHERE, Sourcing, SourcingStrategy
from services.product.domain.values import (
    Kept,
    Place,
    ReservationId,
    ReservationState,
    ShipmentId,
    parse_location,
)
from services.product.wire.fields import DOMAIN, MOST_LINES, lines_from_wire, quantity_from_wire

# Looked up by name once, not for every reservation.
STATES: Mapping[ReservationState, pb.ReservationState] = {
    state: getattr(pb, f"RESERVATION_STATE_{state}") for state in ReservationState
}
STRATEGIES: Mapping[int, SourcingStrategy] = {
    getattr(pb, f"SOURCING_STRATEGY_{strategy}"): strategy for strategy in SourcingStrategy
}


class HoldOutOfRange(InvalidInput):
    pass


class StrategyUnknown(InvalidInput):
    pass


class LocationsOutOfRange(InvalidInput):
    pass


class KeptOutOfRange(InvalidInput):
    pass


class PlaceRepeated(InvalidInput):
    pass


def reservation_from_wire(wire: pb.ReservationRequest, field: str) -> ReserveStock:
    reservation_id = parse_id(wire.reservation_id, f"{field}.reservation_id")
    return ReserveStock(
        reservation_id=ReservationId(reservation_id),
        lines=lines_from_wire(wire.lines, f"{field}.lines"),
        duration=hold_from_wire(wire.hold, f"{field}.hold")
        if wire.HasField("hold")
        else DEFAULT_HOLD,
        sourcing=sourcing_from_wire(wire, field),
        trace=trace_for(reservation_id),
    )


def sourcing_from_wire(wire: pb.ReservationRequest, field: str) -> Sourcing:
    if not wire.strategy and not wire.location_ids:
        return FROM_ANYWHERE
    if wire.strategy and wire.strategy not in STRATEGIES:
        raise StrategyUnknown(
            f"{field}.strategy must be one that there is", field=f"{field}.strategy"
        )
    if len(wire.location_ids) > MOST_LOCATIONS:
        raise LocationsOutOfRange(
            f"{field}.location_ids must be at most {MOST_LOCATIONS:,}",
            field=f"{field}.location_ids",
        )
    return Sourcing(
        strategy=STRATEGIES.get(wire.strategy, SourcingStrategy.ONE_LOCATION_FIRST),
        location_ids=frozenset(
            parse_location(text, f"{field}.location_ids[{number}]")
            for number, text in enumerate(wire.location_ids)
        ),
    )


def extension_from_wire(wire: pb.Extension, field: str, *, now: datetime) -> ExtendReservation:
    path = f"{field}.expire_time"
    try:
        expires_at = wire.expire_time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        expires_at = datetime.max.replace(tzinfo=UTC)
    if not wire.HasField("expire_time") or expires_at > now + LONGEST_HOLD:
        raise HoldOutOfRange(f"{path} must be at most 24 hours from now", field=path)
    return ExtendReservation(
        reservation_id=ReservationId(parse_id(wire.reservation_id, f"{field}.reservation_id")),
        expires_at=expires_at,
    )


def confirmation_from_wire(reservation_id: str, field: str) -> ConfirmReservation:
    return ConfirmReservation(reservation_id=ReservationId(parse_id(reservation_id, field)))


def release_from_wire(reservation_id: str, field: str) -> ReleaseReservation:
    return ReleaseReservation(reservation_id=ReservationId(parse_id(reservation_id, field)))


def reduction_from_wire(wire: pb.Reduction, field: str) -> ReduceReservation:
    return ReduceReservation(
        reservation_id=ReservationId(parse_id(wire.reservation_id, f"{field}.reservation_id")),
        kept=kept_from_wire(wire.kept, f"{field}.kept"),
    )


def kept_from_wire(wire: Sequence[pb.KeptGoods], field: str) -> Kept:
    if not 1 <= len(wire) <= MOST_LINES:
        raise KeptOutOfRange(f"{field} must name 1 to {MOST_LINES:,} places", field=field)
    kept: dict[Place, Quantity] = {}
    for number, goods in enumerate(wire):
        path = f"{field}[{number}]"
        place = Place(
            sku=parse_sku(goods.sku, f"{path}.sku"),
            location_id=parse_location(goods.location_id, f"{path}.location_id"),
        )
        if place in kept:
            raise PlaceRepeated(f"{path} names a place that {field} named before", field=path)
        kept[place] = quantity_from_wire(goods.quantity, f"{path}.quantity")
    return kept


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
        if a.quantity:
            wire.allocations.add(
                sku=a.sku, location_id=a.location_id, quantity=a.quantity, shipped=a.shipped
            )
    if answer.state is ReservationState.HELD and answer.expires_at:
        wire.expire_time.CopyFrom(timestamp_to_wire(answer.expires_at))
