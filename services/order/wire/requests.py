"""What is asked of orders under way, on the wire: to be cancelled, to be changed."""

from collections.abc import Sequence

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.rpc.timestamps import timestamp_to_wire
from retail.order.v1 import order_service_pb2 as pb
from services.order.application.cancel_order import CancelOrder
from services.order.application.change_order import ChangeOrder
from services.order.domain.cancellation import Cancellation
from services.order.domain.order import MOST_LINES, LinesOutOfRange
from services.order.domain.order_change import OrderChange
from services.order.domain.values import OrderId, account_id
from services.order.wire.address import address_from_wire


class LineNamedTwice(InvalidInput):
    pass


class VersionOutOfRange(InvalidInput):
    pass


def cancel_order_from_wire(request: pb.CancelOrderRequest) -> CancelOrder:
    """
    Raises:
        InvalidInput: Something is malformed; names the field.
    """
    return CancelOrder(
        account_id=account_id(request.account_id),
        order_id=OrderId(parse_id(request.order_id, "order_id")),
        note=request.reason,
    )


def change_order_from_wire(request: pb.ChangeOrderRequest) -> ChangeOrder:
    """
    Raises:
        InvalidInput: Something is missing or malformed; names the field.
    """
    if request.version < 0:
        raise VersionOutOfRange("version is not negative", field="version")
    return ChangeOrder(
        account_id=account_id(request.account_id),
        order_id=OrderId(parse_id(request.order_id, "order_id")),
        ship_to=address_from_wire(request.ship_to) if request.HasField("ship_to") else None,
        quantities=_quantities_from_wire(request.lines),
        version=request.version,
    )


def _quantities_from_wire(lines: Sequence[pb.OrderLineChange]) -> dict[int, int]:
    if len(lines) > MOST_LINES:
        raise LinesOutOfRange(f"lines is at most {MOST_LINES:,} entries", field="lines")
    quantities: dict[int, int] = {}
    for place, line in enumerate(lines):
        field = f"lines[{place}].number"
        if line.number in quantities:
            raise LineNamedTwice(f"{field}: line {line.number} is named twice", field=field)
        quantities[line.number] = line.quantity
    return quantities


def cancellation_to_wire(cancellation: Cancellation) -> pb.Cancellation:
    return pb.Cancellation(
        state=f"REQUEST_STATE_{cancellation.state}",
        reason=cancellation.note,
        request_time=timestamp_to_wire(cancellation.requested_at),
        refusal=cancellation.refusal,
    )


def change_to_wire(change: OrderChange) -> pb.OrderChange:
    return pb.OrderChange(
        state=f"REQUEST_STATE_{change.state}",
        number=change.number,
        request_time=timestamp_to_wire(change.requested_at),
        refusal=change.refusal,
    )
