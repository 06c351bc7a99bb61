"""Exchanges on the wire: exchange_service.proto."""

from dataclasses import replace

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import parse_id
from chassis.storage.idempotency import fingerprint_of
from retail.fulfillment.v1 import return_service_pb2 as return_pb
from retail.order.v1 import exchange_service_pb2 as pb
from services.order.application.exchanges.ports import AskedReturn, WantedReturnLine
from services.order.application.exchanges.request_exchange import RequestExchange
from services.order.domain.order import Order
from services.order.domain.values import OrderId
from services.order.wire.orders import order_to_wire, place_order_from_wire


def request_exchange_from_wire(
    request: pb.RequestExchangeRequest, *, trace: str
) -> RequestExchange:
    """
    Raises:
        InvalidInput: Something of the order is missing or malformed; names the field. What is
            said of the return, fulfillment judges.
    """
    order_id = OrderId(parse_id(request.order_id, "order_id"))
    try:
        order = place_order_from_wire(request.order, trace=trace)
    except InvalidInput as refusal:
        refusal.field = f"order.{refusal.field}" if refusal.field else "order"
        raise
    return RequestExchange(
        order_id=order_id,
        lines=tuple(
            WantedReturnLine(
                sku=line.sku, units=line.quantity, reason=line.reason, comment=line.comment
            )
            for line in request.lines
        ),
        # Neither another exchange nor a mere order is the same request.
        order=replace(
            order, fingerprint=fingerprint_of(request.SerializeToString(deterministic=True))
        ),
    )


def exchange_to_wire(asked: AskedReturn, order: Order) -> pb.RequestExchangeResponse:
    return pb.RequestExchangeResponse(
        customer_return=return_pb.Return.FromString(asked.told), order=order_to_wire(order)
    )
