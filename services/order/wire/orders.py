"""Between the words of this service and the contract in protos/retail/order/v1."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import check_words, parse_sku
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_from_wire, money_to_wire
from chassis.rpc.timestamps import timestamp_from_wire, timestamp_to_wire
from chassis.storage.idempotency import fingerprint_of
from retail.order.v1 import order_service_pb2 as pb
from services.order.application.list_orders import ListOrders
from services.order.application.place_orders import PlaceOrder, WantedLine
from services.order.application.ports import TracedEntry
from services.order.domain.order import MOST_LINES, LinesOutOfRange, Order
from services.order.domain.order_charges import MOST_CHARGES, ChargesOutOfRange
from services.order.domain.period import Period
from services.order.domain.shipment import Shipment
from services.order.domain.values import (
    Channel,
    OrderCharge,
    OrderId,
    OrderLine,
    OrderStatus,
    ServiceLevel,
    account_id,
)
from services.order.wire.address import address_from_wire, address_to_wire
from services.order.wire.requests import cancellation_to_wire, change_to_wire
from services.order.wire.returns import return_to_wire

DOMAIN = "order.retail"

DEFAULT_PAGE_SIZE = 50


class ChannelMissing(InvalidInput):
    pass


class AddressMissing(InvalidInput):
    pass


class PriceNegative(InvalidInput):
    pass


class PageTokenMalformed(InvalidInput):
    pass


class StatusUnknown(InvalidInput):
    pass


class ServiceLevelUnknown(InvalidInput):
    pass


_CHANNELS = {pb.CHANNEL_BUSINESS: Channel.BUSINESS, pb.CHANNEL_CONSUMER: Channel.CONSUMER}
_SERVICE_LEVELS = {
    pb.SERVICE_LEVEL_UNSPECIFIED: ServiceLevel.STANDARD,
    pb.SERVICE_LEVEL_STANDARD: ServiceLevel.STANDARD,
    pb.SERVICE_LEVEL_EXPRESS: ServiceLevel.EXPRESS,
}


def place_order_from_wire(request: pb.PlaceOrderRequest, *, trace: str) -> PlaceOrder:
    """
    Raises:
        InvalidInput: Something is missing or malformed; names the field.
    """
    if request.channel not in _CHANNELS:
        raise ChannelMissing("channel is CHANNEL_BUSINESS or CHANNEL_CONSUMER", field="channel")
    if request.service_level not in _SERVICE_LEVELS:
        raise ServiceLevelUnknown(
            f"service_level {request.service_level} is none", field="service_level"
        )
    if not request.HasField("ship_to"):
        raise AddressMissing("ship_to is required", field="ship_to")
    if len(request.lines) > MOST_LINES:
        # Before anybody looks at them, and asks for what they cost.
        raise LinesOutOfRange(f"an order has 1 to {MOST_LINES:,} lines", field="lines")
    return PlaceOrder(
        request_id=parse_id(request.request_id, "request_id"),
        fingerprint=_fingerprint(request),
        account_id=account_id(request.account_id),
        channel=_CHANNELS[request.channel],
        lines=tuple(_line_from_wire(line, number) for number, line in enumerate(request.lines)),
        shipping=_amount(request, "shipping"),
        discount=_amount(request, "discount"),
        expected_total=_amount(request, "expected_total"),
        psp_token=PspToken(request.psp_token),
        ship_to=address_from_wire(request.ship_to),
        reference=check_words(request.reference, "reference", most=64),
        shipping_lines=charges_from_wire(request.shipping_lines, "shipping_lines"),
        discount_lines=charges_from_wire(request.discount_lines, "discount_lines"),
        service_level=_SERVICE_LEVELS[request.service_level],
        trace=trace,
    )


def _line_from_wire(line: pb.OrderLineRequest, number: int) -> WantedLine:
    path = f"lines[{number}]"
    sku = parse_sku(line.sku, f"{path}.sku")
    try:
        quantity = Quantity(line.quantity)
    except InvalidInput as error:
        error.field = f"{path}.quantity"
        raise
    agreed = None
    if line.HasField("agreed_unit_price"):
        field = f"{path}.agreed_unit_price"
        agreed = _not_negative(money_from_wire(line.agreed_unit_price, field), field)
    return WantedLine(sku=sku, quantity=quantity, agreed_unit_price=agreed)


def charges_from_wire(wire: Sequence[pb.OrderCharge], field: str) -> tuple[OrderCharge, ...]:
    if len(wire) > MOST_CHARGES:
        raise ChargesOutOfRange(f"{field} has at most {MOST_CHARGES} entries", field=field)
    charges = []
    for number, charge in enumerate(wire):
        path = f"{field}[{number}]"
        title = check_words(charge.title, f"{path}.title", least=1, most=64)
        amount = money_from_wire(charge.amount, f"{path}.amount")
        charges.append(OrderCharge(title=title, amount=_not_negative(amount, f"{path}.amount")))
    return tuple(charges)


def charges_to_wire(charges: Sequence[OrderCharge]) -> Sequence[pb.OrderCharge]:
    return [pb.OrderCharge(title=c.title, amount=money_to_wire(c.amount)) for c in charges]


def _amount(request: pb.PlaceOrderRequest, field: str) -> Money | None:
    if not request.HasField(field):
        return None
    return _not_negative(money_from_wire(getattr(request, field), field), field)


def _not_negative(money: Money, field: str) -> Money:
    if money.minor_units < 0:
        raise PriceNegative(f"{field} is not negative", field=field)
    return money


def _fingerprint(request: pb.PlaceOrderRequest) -> bytes:
    content = pb.PlaceOrderRequest()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return fingerprint_of(content.SerializeToString(deterministic=True))


def list_orders_from_wire(request: pb.ListOrdersRequest) -> ListOrders:
    return ListOrders(
        account_id=account_id(request.account_id),
        before=order_id_from_token(request.page_token) if request.page_token else None,
        statuses=statuses_from_wire(request.statuses),
        period=period_from_wire(request),
        limit=request.page_size or DEFAULT_PAGE_SIZE,
    )


def period_from_wire(request: Any) -> Period:
    """
    Return the time of placing that a request for a page asks for.
    """
    times = {
        field: timestamp_from_wire(getattr(request, field), field)
        for field in ("placed_from", "placed_before")
        if request.HasField(field)
    }
    return Period(**times)


def statuses_from_wire(statuses: Sequence[int]) -> tuple[OrderStatus, ...]:
    """
    Return each of *statuses* once, however often it is asked for.
    """
    return tuple(_status_from_wire(status) for status in sorted(set(statuses)))


def _status_from_wire(status: int) -> OrderStatus:
    name = pb.OrderStatus.Name(status) if status in pb.OrderStatus.values() else ""
    word = name.removeprefix("ORDER_STATUS_")
    if word not in set(OrderStatus):
        raise StatusUnknown(f"statuses holds {status}, which is no status", field="statuses")
    return OrderStatus(word)


def page_token(order_id: OrderId) -> str:
    """
    Return the token for the page after an order; opaque to clients.
    """
    return base64.urlsafe_b64encode(order_id.bytes).decode()


def order_id_from_token(token: str) -> OrderId:
    try:
        return OrderId(UUID(bytes=base64.urlsafe_b64decode(token)))
    except (ValueError, binascii.Error):
        raise PageTokenMalformed("page_token is not one of ours", field="page_token") from None


def result_to_wire(answer: Order | DomainError, *, path: str) -> pb.PlaceOrderResult:
    """
    Args:
        path: Where in the batch the request stands, such as `requests[3]`.
    """
    if isinstance(answer, InvalidInput):
        answer.field = f"{path}.{answer.field}" if answer.field else path
    if isinstance(answer, DomainError):
        return pb.PlaceOrderResult(error=status_from_error(answer, DOMAIN))
    return pb.PlaceOrderResult(order=order_to_wire(answer))


def order_to_wire(order: Order, timeline: Sequence[TracedEntry] = ()) -> pb.Order:
    return pb.Order(
        order_id=str(order.id),
        account_id=order.account_id,
        channel=f"CHANNEL_{order.channel}",
        status=f"ORDER_STATUS_{order.status}",
        payment_status=f"PAYMENT_STATUS_{order.payment_status}",
        fulfillment_status=f"FULFILLMENT_STATUS_{order.fulfillment_status}",
        lines=[_line_to_wire(line) for line in order.lines],
        items_total=money_to_wire(order.items_total),
        shipping=money_to_wire(order.shipping),
        discount=money_to_wire(order.discount),
        grand_total=money_to_wire(order.grand_total),
        ship_to=address_to_wire(order.ship_to),
        create_time=timestamp_to_wire(order.created_at),
        update_time=timestamp_to_wire(order.updated_at),
        reason=order.reason or "",
        reference=order.reference,
        timeline=[_entry_to_wire(entry) for entry in timeline],
        shipments=[_shipment_to_wire(shipment) for shipment in order.shipments.values()],
        version=order.version,
        cancellation=cancellation_to_wire(order.cancellation) if order.cancellation else None,
        change=change_to_wire(order.change) if order.change else None,
        shipping_lines=charges_to_wire(order.shipping_lines),
        discount_lines=charges_to_wire(order.discount_lines),
        service_level=f"SERVICE_LEVEL_{order.service_level}",
        returns=[return_to_wire(taken) for taken in order.returns.values()],
        for_return_id=str(order.for_return_id) if order.for_return_id else "",
    )


def _line_to_wire(line: OrderLine) -> pb.OrderLine:
    return pb.OrderLine(
        sku=line.sku,
        title=line.title,
        quantity=line.quantity.units,
        unit_price=money_to_wire(line.unit_price),
        number=line.number,
    )


def _entry_to_wire(traced: TracedEntry) -> pb.TimelineEntry:
    return pb.TimelineEntry(
        time=timestamp_to_wire(traced.entry.at),
        what=traced.entry.what,
        cause=traced.entry.cause,
        trace_id=traced.trace_id,
    )


def _shipment_to_wire(shipment: Shipment) -> pb.OrderShipment:
    return pb.OrderShipment(
        shipment_id=str(shipment.id),
        value=money_to_wire(shipment.value),
        dispatch_time=timestamp_to_wire(shipment.dispatched_at),
        deliver_time=timestamp_to_wire(shipment.delivered_at) if shipment.delivered_at else None,
        lose_time=timestamp_to_wire(shipment.lost_at) if shipment.lost_at else None,
    )
