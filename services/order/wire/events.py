"""The events of orders on the wire: order_events.proto."""

from collections.abc import Sequence

from google.protobuf.message import Message

from chassis.rpc.money import money_to_wire
from retail.order.v1 import order_events_pb2 as events_pb
from services.order.domain.events import (
    OrderCancelled,
    OrderChanged,
    OrderCompleted,
    OrderConfirmed,
    OrderEvent,
    OrderPlaced,
    OrderRejected,
)
from services.order.domain.values import Goods
from services.order.wire.address import address_to_wire


def event_to_wire(event: OrderEvent) -> Message:
    match event:
        case OrderPlaced():
            return events_pb.OrderPlaced(
                order_id=str(event.order_id),
                account_id=event.account_id,
                grand_total=money_to_wire(event.grand_total),
                goods=_goods_to_wire(event.goods),
            )
        case OrderConfirmed():
            return events_pb.OrderConfirmed(
                order_id=str(event.order_id),
                account_id=event.account_id,
                ship_to=address_to_wire(event.ship_to),
                goods=[
                    events_pb.GoodsToFulfill(
                        sku=item.sku, location_id=item.location_id, quantity=item.units
                    )
                    for item in event.goods
                ],
                service_level=event.service_level,
            )
        case OrderRejected():
            return events_pb.OrderRejected(order_id=str(event.order_id), reason=event.reason)
        case OrderCancelled():
            return events_pb.OrderCancelled(order_id=str(event.order_id), reason=event.reason)
        case OrderCompleted():
            return events_pb.OrderCompleted(order_id=str(event.order_id))
        case OrderChanged():
            return events_pb.OrderChanged(
                order_id=str(event.order_id),
                change_number=event.change_number,
                grand_total=money_to_wire(event.grand_total),
                goods=_goods_to_wire(event.goods),
            )


def _goods_to_wire(goods: Sequence[Goods]) -> list[events_pb.OrderedGoods]:
    return [events_pb.OrderedGoods(sku=item.sku, quantity=item.units) for item in goods]
