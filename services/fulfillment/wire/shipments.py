"""Parcels on the wire."""

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.kernel.text import check_text
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.deliver_shipments import DeliverShipment
from services.fulfillment.application.dispatch_shipments import DispatchShipment
from services.fulfillment.domain.values import FulfillmentOrderId, ShipmentId
from services.fulfillment.wire.fields import (
    entries_from_wire,
    goods_from_wire,
    provider_id_from_wire,
)


def dispatches_from_wire(
    request: pb.DispatchShipmentsRequest,
) -> list[DispatchShipment | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def dispatch(wire: pb.Dispatch, field: str) -> DispatchShipment:
        work = parse_id(wire.fulfillment_order_id, f"{field}.fulfillment_order_id")
        return DispatchShipment(
            shipment_id=ShipmentId(parse_id(wire.shipment_id, f"{field}.shipment_id")),
            fulfillment_order_id=FulfillmentOrderId(work),
            provider_id=provider_id,
            goods=tuple(
                goods_from_wire(line.sku, line.quantity, f"{field}.lines[{number}]")
                for number, line in enumerate(wire.lines)
            ),
            tracking_number=check_text(wire.tracking_number, f"{field}.tracking_number", most=200),
        )

    return entries_from_wire(request.dispatches, "dispatches", dispatch)


def deliveries_from_wire(
    request: pb.DeliverShipmentsRequest,
) -> list[DeliverShipment | DomainError]:
    def delivery(wire: pb.Delivery, field: str) -> DeliverShipment:
        work = parse_id(wire.fulfillment_order_id, f"{field}.fulfillment_order_id")
        return DeliverShipment(
            fulfillment_order_id=FulfillmentOrderId(work),
            shipment_id=ShipmentId(parse_id(wire.shipment_id, f"{field}.shipment_id")),
        )

    return entries_from_wire(request.deliveries, "deliveries", delivery)
