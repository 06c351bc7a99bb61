"""Events on the wire."""

from collections.abc import Iterable

from google.protobuf.message import Message

from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import fulfillment_events_pb2 as events_pb
from services.fulfillment.domain.events import (
    CancellationAccepted,
    CancellationRejected,
    CancellationRequested,
    FulfillmentEvent,
    FulfillmentOrderCancelled,
    FulfillmentOrderChanged,
    FulfillmentOrderOpened,
    FulfillmentOrderUnfulfillable,
    OfferAccepted,
    OfferExpired,
    OfferRejected,
    OfferSubmitted,
    ShipmentDelivered,
    ShipmentDispatched,
    ShipmentLost,
    ShipmentReturnedToSender,
)
from services.fulfillment.domain.values import Goods


def event_to_wire(event: FulfillmentEvent) -> Message:
    work, order = str(event.fulfillment_order_id), str(event.order_id)
    match event:
        case FulfillmentOrderOpened():
            return events_pb.FulfillmentOrderOpened(
                fulfillment_order_id=work, order_id=order, location_id=event.location_id
            )
        case OfferSubmitted():
            return events_pb.OfferSubmitted(
                fulfillment_order_id=work,
                order_id=order,
                offer_id=str(event.offer_id),
                provider_id=event.provider_id,
                expire_time=timestamp_to_wire(event.expires_at),
            )
        case OfferAccepted():
            return events_pb.OfferAccepted(
                fulfillment_order_id=work,
                order_id=order,
                offer_id=str(event.offer_id),
                provider_id=event.provider_id,
                first_day=event.first_day.isoformat(),
                last_day=event.last_day.isoformat(),
            )
        case OfferRejected():
            return events_pb.OfferRejected(
                fulfillment_order_id=work,
                order_id=order,
                offer_id=str(event.offer_id),
                provider_id=event.provider_id,
                reason=event.reason,
            )
        case OfferExpired():
            return events_pb.OfferExpired(
                fulfillment_order_id=work,
                order_id=order,
                offer_id=str(event.offer_id),
                provider_id=event.provider_id,
            )
        case FulfillmentOrderUnfulfillable():
            return events_pb.FulfillmentOrderUnfulfillable(
                fulfillment_order_id=work, order_id=order, location_id=event.location_id
            )
        case FulfillmentOrderCancelled():
            return events_pb.FulfillmentOrderCancelled(fulfillment_order_id=work, order_id=order)
        case FulfillmentOrderChanged():
            return events_pb.FulfillmentOrderChanged(
                fulfillment_order_id=work,
                order_id=order,
                change_number=event.change_number,
                goods=goods_to_wire(event.goods),
                provider_id=event.provider_id or "",
                offer_id=str(event.offer_id or ""),
            )
        case ShipmentDispatched():
            return events_pb.ShipmentDispatched(
                fulfillment_order_id=work,
                order_id=order,
                shipment_id=str(event.shipment_id),
                location_id=event.location_id,
                goods=goods_to_wire(event.goods),
                dispatch_time=timestamp_to_wire(event.dispatched_at),
                change_number=event.change_number,
            )
        case ShipmentDelivered():
            return events_pb.ShipmentDelivered(
                fulfillment_order_id=work,
                order_id=order,
                shipment_id=str(event.shipment_id),
                deliver_time=timestamp_to_wire(event.delivered_at),
            )
        case CancellationRequested():
            return events_pb.CancellationRequested(
                fulfillment_order_id=work,
                order_id=order,
                provider_id=event.provider_id,
                answer_by_time=timestamp_to_wire(event.answer_by),
            )
        case CancellationAccepted():
            return events_pb.CancellationAccepted(
                fulfillment_order_id=work, order_id=order, provider_id=event.provider_id
            )
        case CancellationRejected():
            return events_pb.CancellationRejected(
                fulfillment_order_id=work,
                order_id=order,
                provider_id=event.provider_id,
                reason=event.reason,
            )
        case ShipmentLost():
            return events_pb.ShipmentLost(
                fulfillment_order_id=work,
                order_id=order,
                shipment_id=str(event.shipment_id),
                lose_time=timestamp_to_wire(event.lost_at),
            )
        case ShipmentReturnedToSender():
            return events_pb.ShipmentReturnedToSender(
                fulfillment_order_id=work,
                order_id=order,
                shipment_id=str(event.shipment_id),
                return_time=timestamp_to_wire(event.returned_at),
            )


def goods_to_wire(goods: Iterable[Goods]) -> list[events_pb.ShippedGoods]:
    return [events_pb.ShippedGoods(sku=some.sku, quantity=some.quantity.units) for some in goods]
