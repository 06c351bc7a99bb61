"""Between the contract and the domain: pure translations."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku, parse_sku
from chassis.rpc.errors import status_from_error
from chassis.rpc.money import money_from_wire, money_to_wire
from retail.product.v1 import product_events_pb2 as events_pb
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.confirm_reservations import ConfirmReservation
from services.product.application.consume_reservations import ConsumeReservation
from services.product.application.create_product import CreateProduct
from services.product.application.list_products import ListProducts
from services.product.application.ports import SoldVariant
from services.product.application.receive_stock import ReceiveStock
from services.product.application.release_reservations import ReleaseReservation
from services.product.application.reserve_stock import ReserveStock
from services.product.domain.events import (
    ProductEvent,
    ProductPublished,
    ReservationConfirmed,
    ReservationExpired,
    ReservationReleased,
    StockReceived,
    StockReserved,
    StockShipped,
)
from services.product.domain.product import Product, Variant
from services.product.domain.reservation import (
    DEFAULT_HOLD,
    LONGEST_HOLD,
    HoldOutOfRange,
    Reservation,
    ReservationState,
    Shipment,
)
from services.product.domain.stock_item import StockItem
from services.product.domain.values import (
    Goods,
    Lines,
    ProductId,
    ReservationId,
    ShipmentId,
    parse_location,
)

DOMAIN = "product.retail"

DEFAULT_PAGE = 50
LARGEST_PAGE = 100
MOST_SKUS = 10_000


class LinesMissing(InvalidInput):
    pass


class PageSizeOutOfRange(InvalidInput):
    pass


class PageTokenInvalid(InvalidInput):
    pass


class SkusOutOfRange(InvalidInput):
    pass


# Requests


def create_product_from_wire(request: pb.CreateProductRequest) -> CreateProduct:
    return CreateProduct(
        request_id=parse_id(request.request_id, "request_id"),
        title=request.title,
        description=request.description,
        variants=tuple(
            variant_from_wire(variant, f"variants[{number}]")
            for number, variant in enumerate(request.variants)
        ),
    )


def variant_from_wire(wire: pb.Variant, field: str) -> Variant:
    sku = parse_sku(wire.sku, f"{field}.sku")
    price = money_from_wire(wire.price, f"{field}.price")
    try:
        return Variant(
            sku=sku,
            price=price,
            gtin=wire.gtin,
            weight_grams=wire.weight_grams,
            attributes=tuple(sorted(wire.attributes.items())),
        )
    except InvalidInput as error:
        error.field = f"{field}.{error.field}"
        raise


def product_id_from_wire(text: str) -> ProductId:
    return ProductId(parse_id(text, "product_id"))


def list_products_from_wire(request: pb.ListProductsRequest) -> ListProducts:
    if not 0 <= request.page_size <= LARGEST_PAGE:
        raise PageSizeOutOfRange(f"a page has 1 to {LARGEST_PAGE} products", field="page_size")
    return ListProducts(
        after=page_token_from_wire(request.page_token) if request.page_token else None,
        page_size=request.page_size or DEFAULT_PAGE,
    )


def page_token_from_wire(token: str) -> ProductId:
    try:
        return ProductId(UUID(bytes=urlsafe_b64decode(f"{token}==")))
    except (binascii.Error, ValueError):
        raise PageTokenInvalid(
            "page_token must be one that an earlier page came with", field="page_token"
        ) from None


def page_token_to_wire(last: ProductId) -> str:
    return urlsafe_b64encode(last.bytes).decode().rstrip("=")


def skus_from_wire(skus: Sequence[str]) -> Sequence[Sku]:
    if not 1 <= len(skus) <= MOST_SKUS:
        raise SkusOutOfRange(f"ask for 1 to {MOST_SKUS:,} SKUs, not {len(skus)}", field="skus")
    return [parse_sku(sku, f"skus[{number}]") for number, sku in enumerate(skus)]


def receipt_from_wire(wire: pb.Receipt, field: str) -> ReceiveStock:
    return ReceiveStock(
        request_id=parse_id(wire.request_id, f"{field}.request_id"),
        sku=parse_sku(wire.sku, f"{field}.sku"),
        location_id=parse_location(wire.location_id, f"{field}.location_id"),
        quantity=quantity_from_wire(wire.quantity, f"{field}.quantity"),
    )


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


def lines_from_wire(wire: Sequence[pb.ReservationLine], field: str) -> Lines:
    """
    Return the units wanted of each SKU, those on several lines summed.
    """
    if not wire:
        raise LinesMissing(f"{field} must have at least one line", field=field)
    lines: dict[Sku, Quantity] = {}
    for number, line in enumerate(wire):
        sku = parse_sku(line.sku, f"{field}[{number}].sku")
        path = f"{field}[{number}].quantity"
        quantity = quantity_from_wire(line.quantity, path)
        if sku in lines:
            quantity = quantity_from_wire(lines[sku].units + quantity.units, path)
        lines[sku] = quantity
    return lines


def quantity_from_wire(units: int, field: str) -> Quantity:
    try:
        return Quantity(units)
    except InvalidInput as error:
        error.field = field
        raise


def hold_from_wire(wire: Duration, field: str) -> timedelta:
    nanos = wire.seconds * 10**9 + wire.nanos
    if not 0 < nanos <= LONGEST_HOLD.total_seconds() * 10**9:
        raise HoldOutOfRange(f"{field} must be above 0 and at most 24 hours", field=field)
    return timedelta(microseconds=max(nanos // 1_000, 1))


# Answers


def product_to_wire(product: Product) -> pb.Product:
    wire = pb.Product(
        product_id=str(product.id),
        title=product.title,
        description=product.description,
        state=f"PRODUCT_STATE_{product.state}",
        variants=[variant_to_wire(variant) for variant in product.variants],
    )
    wire.create_time.FromDatetime(product.created_at)
    return wire


def variant_to_wire(variant: Variant) -> pb.Variant:
    return pb.Variant(
        sku=variant.sku,
        price=money_to_wire(variant.price),
        gtin=variant.gtin,
        weight_grams=variant.weight_grams,
        attributes=dict(variant.attributes),
    )


def sold_variant_to_wire(variant: SoldVariant) -> pb.SoldVariant:
    return pb.SoldVariant(sku=variant.sku, title=variant.title, price=money_to_wire(variant.price))


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


# Events


def event_to_wire(event: ProductEvent) -> Message:
    match event:
        case ProductPublished():
            return events_pb.ProductPublished(
                product_id=str(event.product_id),
                title=event.title,
                variants=[
                    events_pb.PublishedVariant(sku=sku, price=money_to_wire(price))
                    for sku, price in event.prices
                ],
            )
        case StockReceived():
            return events_pb.StockReceived(
                sku=event.sku,
                location_id=event.location_id,
                quantity=event.quantity,
                on_hand=event.on_hand,
            )
        case StockReserved():
            wire = events_pb.StockReserved(
                reservation_id=str(event.reservation_id), goods=goods_to_wire(event.goods)
            )
            wire.expire_time.FromDatetime(event.expires_at)
            return wire
        case ReservationConfirmed():
            return events_pb.ReservationConfirmed(reservation_id=str(event.reservation_id))
        case ReservationReleased():
            return events_pb.ReservationReleased(reservation_id=str(event.reservation_id))
        case ReservationExpired():
            return events_pb.ReservationExpired(reservation_id=str(event.reservation_id))
        case StockShipped():
            return events_pb.StockShipped(
                reservation_id=str(event.reservation_id),
                shipment_id=str(event.shipment_id),
                goods=goods_to_wire(event.goods),
            )


def goods_to_wire(goods: Iterable[Goods]) -> list[events_pb.AllocatedGoods]:
    return [
        events_pb.AllocatedGoods(sku=part.sku, location_id=part.location_id, quantity=part.quantity)
        for part in goods
    ]
