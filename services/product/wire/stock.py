"""Stock on the wire."""

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.kernel.text import parse_sku
from chassis.rpc.errors import status_from_error
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.stock.receive_stock import ReceiveStock
from services.product.domain.stock_item import StockItem
from services.product.domain.values import parse_location
from services.product.wire.fields import DOMAIN, quantity_from_wire


def receipt_from_wire(wire: pb.Receipt, field: str) -> ReceiveStock:
    return ReceiveStock(
        request_id=parse_id(wire.request_id, f"{field}.request_id"),
        sku=parse_sku(wire.sku, f"{field}.sku"),
        location_id=parse_location(wire.location_id, f"{field}.location_id"),
        quantity=quantity_from_wire(wire.quantity, f"{field}.quantity"),
    )


def stock_level_to_wire(item: StockItem) -> pb.StockLevel:
    return pb.StockLevel(
        sku=item.sku,
        location_id=item.location_id,
        on_hand=item.on_hand,
        held=item.held,
        allocated=item.allocated,
        damaged=item.damaged,
        available=item.available,
    )


def receipt_result_to_wire(answer: StockItem | DomainError) -> pb.ReceiptResult:
    if isinstance(answer, DomainError):
        return pb.ReceiptResult(error=status_from_error(answer, DOMAIN))
    return pb.ReceiptResult(stock_level=stock_level_to_wire(answer))
