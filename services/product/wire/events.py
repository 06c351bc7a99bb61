"""Events on the wire."""

from collections.abc import Iterable

from google.protobuf.message import Message

from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.product.v1 import product_events_pb2 as events_pb
from services.product.domain.events import (
    CategoryChanged,
    CategoryCreated,
    CategoryDeleted,
    PriceChanged,
    ProductArchived,
    ProductChanged,
    ProductCreated,
    ProductEvent,
    ProductPublished,
    ReservationConfirmed,
    ReservationExpired,
    ReservationExtended,
    ReservationReduced,
    ReservationReleased,
    StockAdjusted,
    StockDepleted,
    StockReceived,
    StockReplenished,
    StockReserved,
    StockReturned,
    StockShipped,
)
from services.product.domain.values import Goods


def event_to_wire(event: ProductEvent) -> Message:
    match event:
        case ProductPublished():
            return events_pb.ProductPublished(
                product_id=str(event.product_id),
                title=event.title,
                variants=prices_to_wire(event.prices),
            )
        case ProductCreated():
            return events_pb.ProductCreated(
                product_id=str(event.product_id), title=event.title, handle=event.handle
            )
        case ProductChanged():
            return events_pb.ProductChanged(
                product_id=str(event.product_id),
                title=event.title,
                changed_fields=event.changed_fields,
                skus=event.skus,
            )
        case PriceChanged():
            return events_pb.PriceChanged(
                product_id=str(event.product_id), variants=prices_to_wire(event.prices)
            )
        case ProductArchived():
            return events_pb.ProductArchived(product_id=str(event.product_id))
        case CategoryCreated():
            return events_pb.CategoryCreated(
                category_id=str(event.category_id),
                parent_id=str(event.parent_id or ""),
                name=event.name,
            )
        case CategoryChanged():
            return events_pb.CategoryChanged(
                category_id=str(event.category_id),
                parent_id=str(event.parent_id or ""),
                name=event.name,
            )
        case CategoryDeleted():
            return events_pb.CategoryDeleted(category_id=str(event.category_id))
        case StockReceived():
            return events_pb.StockReceived(
                sku=event.sku,
                location_id=event.location_id,
                quantity=event.quantity,
                on_hand=event.on_hand,
            )
        case StockReturned():
            return events_pb.StockReturned(
                sku=event.sku,
                location_id=event.location_id,
                quantity=event.quantity,
                sellable=event.sellable,
                on_hand=event.on_hand,
            )
        case StockAdjusted():
            return events_pb.StockAdjusted(
                sku=event.sku,
                location_id=event.location_id,
                kind=event.kind,
                reason=event.reason,
                delta_on_hand=event.delta_on_hand,
                delta_damaged=event.delta_damaged,
                on_hand=event.on_hand,
            )
        case StockDepleted():
            return events_pb.StockDepleted(sku=event.sku, location_id=event.location_id)
        case StockReplenished():
            return events_pb.StockReplenished(
                sku=event.sku, location_id=event.location_id, available=event.available
            )
        case StockReserved():
            return events_pb.StockReserved(
                reservation_id=str(event.reservation_id),
                goods=goods_to_wire(event.goods),
                expire_time=timestamp_to_wire(event.expires_at),
            )
        case ReservationExtended():
            return events_pb.ReservationExtended(
                reservation_id=str(event.reservation_id),
                expire_time=timestamp_to_wire(event.expires_at),
            )
        case ReservationConfirmed():
            return events_pb.ReservationConfirmed(reservation_id=str(event.reservation_id))
        case ReservationReleased():
            return events_pb.ReservationReleased(reservation_id=str(event.reservation_id))
        case ReservationReduced():
            return events_pb.ReservationReduced(
                reservation_id=str(event.reservation_id), goods=goods_to_wire(event.goods)
            )
        case ReservationExpired():
            return events_pb.ReservationExpired(reservation_id=str(event.reservation_id))
        case StockShipped():
            return events_pb.StockShipped(
                reservation_id=str(event.reservation_id),
                shipment_id=str(event.shipment_id),
                goods=goods_to_wire(event.goods),
            )


def prices_to_wire(prices: Iterable[tuple[Sku, Money]]) -> list[events_pb.PublishedVariant]:
    return [
        events_pb.PublishedVariant(sku=sku, price=money_to_wire(price)) for sku, price in prices
    ]


def goods_to_wire(goods: Iterable[Goods]) -> list[events_pb.AllocatedGoods]:
    return [
        events_pb.AllocatedGoods(sku=part.sku, location_id=part.location_id, quantity=part.quantity)
        for part in goods
    ]
