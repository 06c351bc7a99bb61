"""How parcels stand, on the wire."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import Goods


def shipment_to_wire(shipment: Shipment) -> pb.Shipment:
    word = shipment.last_word
    return pb.Shipment(
        shipment_id=str(shipment.id),
        state=f"SHIPMENT_STATE_{shipment.state}",
        lines=lines_to_wire(shipment.goods),
        tracking_number=shipment.tracking_number,
        dispatch_time=_moment(shipment.dispatched_at),
        deliver_time=_moment(shipment.delivered_at),
        pack_time=_moment(shipment.packed_at),
        end_time=_moment(shipment.ended_at),
        weight_grams=shipment.weight_grams,
        carrier=shipment.carrier,
        tracking_state=f"TRACKING_STATE_{word.state}" if word else None,
        tracking_time=_moment(word.at) if word else None,
    )


def lines_to_wire(goods: Iterable[Goods]) -> list[pb.FulfillmentLine]:
    return [pb.FulfillmentLine(sku=some.sku, quantity=some.quantity.units) for some in goods]


def _moment(moment: datetime | None) -> Timestamp | None:
    return timestamp_to_wire(moment) if moment else None
