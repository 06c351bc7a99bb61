"""The journal of the stock on the wire."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode

from chassis.kernel.text import parse_sku
from chassis.rpc.timestamps import timestamp_to_wire
from retail.product.v1 import stock_service_pb2 as pb
from services.product.application.ports.stock_items import JournalEntry
from services.product.application.stock.list_stock_movements import ListStockMovements
from services.product.domain.values import parse_location
from services.product.wire.fields import PageSizeOutOfRange, PageTokenInvalid

DEFAULT_PAGE = 100
LARGEST_PAGE = 500


def list_stock_movements_from_wire(request: pb.ListStockMovementsRequest) -> ListStockMovements:
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"a page has 1 to {LARGEST_PAGE} movements", field="page_size")
    return ListStockMovements(
        sku=parse_sku(request.sku, "sku"),
        location_id=parse_location(request.location_id, "location_id")
        if request.location_id
        else None,
        before=position_from_wire(request) if request.page_token else None,
        page_size=request.page_size or DEFAULT_PAGE,
    )


def position_from_wire(request: pb.ListStockMovementsRequest) -> int:
    """
    Raises:
        PageTokenInvalid: It is none, or comes from a page that asked something else.
    """
    try:
        token = urlsafe_b64decode(f"{request.page_token}==").decode()
        sku, location, position = token.split(" ")
        if (sku, location) == (request.sku, request.location_id) and 0 < int(position) < 2**63:
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise PageTokenInvalid(
        "page_token must be one that an earlier page of the same journal came with",
        field="page_token",
    )


def page_token_to_wire(request: pb.ListStockMovementsRequest, last: int) -> str:
    token = f"{request.sku} {request.location_id} {last}"
    return urlsafe_b64encode(token.encode()).decode().rstrip("=")


def entry_to_wire(entry: JournalEntry) -> pb.StockMovement:
    movement = entry.movement
    return pb.StockMovement(
        sku=entry.place.sku,
        location_id=entry.place.location_id,
        kind=movement.kind.value,
        delta_on_hand=movement.on_hand,
        delta_held=movement.held,
        delta_allocated=movement.allocated,
        delta_damaged=movement.damaged,
        cause_type=movement.cause.type.value,
        cause_id=str(movement.cause.id),
        reason=movement.cause.reason,
        note=movement.cause.note,
        occur_time=timestamp_to_wire(movement.cause.at),
    )
