"""Parcels that are packed, unpacked and come to their ends, on the wire."""

from collections.abc import Sequence

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.text import check_text
from retail.fulfillment.v1 import shipment_service_pb2 as pb
from services.fulfillment.application.shipments.end_parcels import EndParcel
from services.fulfillment.application.shipments.pack_shipments import PackShipment
from services.fulfillment.application.shipments.ports import KeptLabel
from services.fulfillment.application.shipments.unpack_shipments import UnpackShipment
from services.fulfillment.domain.values import FulfillmentOrderId, ShipmentId
from services.fulfillment.wire.fields import (
    entries_from_wire,
    goods_from_wire,
    provider_id_from_wire,
)

MOST_GRAMS = 1_000_000


class WeightOutOfRange(InvalidInput):
    pass


def shipment_id_from_wire(shipment_id: str, field: str) -> ShipmentId:
    return ShipmentId(parse_id(shipment_id, field))


def packings_from_wire(request: pb.PackShipmentsRequest) -> list[PackShipment | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def packing(wire: pb.Packing, field: str) -> PackShipment:
        if not 0 <= wire.weight_grams <= MOST_GRAMS:
            raise WeightOutOfRange(
                f"{field}.weight_grams must be 0 to {MOST_GRAMS:,}, not {wire.weight_grams}",
                field=f"{field}.weight_grams",
            )
        work = parse_id(wire.fulfillment_order_id, f"{field}.fulfillment_order_id")
        return PackShipment(
            shipment_id=shipment_id_from_wire(wire.shipment_id, f"{field}.shipment_id"),
            fulfillment_order_id=FulfillmentOrderId(work),
            provider_id=provider_id,
            goods=tuple(
                goods_from_wire(line.sku, line.quantity, f"{field}.lines[{number}]")
                for number, line in enumerate(wire.lines)
            ),
            weight_grams=wire.weight_grams,
            carrier=check_text(wire.carrier, f"{field}.carrier", most=64),
        )

    return entries_from_wire(request.packings, "packings", packing)


def unpackings_from_wire(request: pb.UnpackShipmentsRequest) -> list[UnpackShipment | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def unpacking(wire: pb.ShipmentRef, field: str) -> UnpackShipment:
        ref = _ref_from_wire(wire, field)
        return UnpackShipment(
            fulfillment_order_id=ref.fulfillment_order_id,
            shipment_id=ref.shipment_id,
            provider_id=provider_id,
        )

    return entries_from_wire(request.shipments, "shipments", unpacking)


def ends_from_wire(shipments: Sequence[pb.ShipmentRef]) -> list[EndParcel | DomainError]:
    return entries_from_wire(shipments, "shipments", _ref_from_wire)


def label_to_wire(label: KeptLabel) -> pb.GetLabelResponse:
    return pb.GetLabelResponse(
        tracking_number=label.tracking_number, media_type=label.media_type, content=label.content
    )


def _ref_from_wire(wire: pb.ShipmentRef, field: str) -> EndParcel:
    work = parse_id(wire.fulfillment_order_id, f"{field}.fulfillment_order_id")
    return EndParcel(
        fulfillment_order_id=FulfillmentOrderId(work),
        shipment_id=shipment_id_from_wire(wire.shipment_id, f"{field}.shipment_id"),
    )
