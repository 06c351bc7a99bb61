"""How shipments look as rows, and rows as shipments."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.fulfillment.adapters.json_goods import goods_from_json, json_from_goods
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.tracking import TrackingState, Word
from services.fulfillment.domain.values import ShipmentId, ShipmentState


def shipment_from_row(row: Row[Any]) -> Shipment:
    return Shipment(
        id=ShipmentId(row.id),
        state=ShipmentState(row.state),
        goods=goods_from_json(row.goods),
        goods_named=row.goods_named,
        tracking_number=row.tracking_number,
        carrier=row.carrier,
        weight_grams=row.weight_grams,
        packed_at=row.packed_at,
        dispatched_at=row.dispatched_at,
        delivered_at=row.delivered_at,
        ended_at=row.ended_at,
        last_word=_word(row.last_word, row.last_word_at, row.last_word_id),
        end_word=_word(row.end_word, row.end_word_at, row.end_word_id),
    )


def row_from_shipment(shipment: Shipment, order: FulfillmentOrder, number: int) -> dict[str, Any]:
    last, end = shipment.last_word, shipment.end_word
    return {
        "id": shipment.id,
        "fulfillment_order_id": order.id,
        "number": number,
        "state": shipment.state,
        "goods": json_from_goods(shipment.goods),
        "goods_named": shipment.goods_named,
        "tracking_number": shipment.tracking_number,
        "carrier": shipment.carrier,
        "weight_grams": shipment.weight_grams,
        "packed_at": shipment.packed_at,
        "dispatched_at": shipment.dispatched_at,
        "delivered_at": shipment.delivered_at,
        "ended_at": shipment.ended_at,
        "last_word": last.state if last else None,
        "last_word_at": last.at if last else None,
        "last_word_id": last.event_id if last else None,
        "end_word": end.state if end else None,
        "end_word_at": end.at if end else None,
        "end_word_id": end.event_id if end else None,
    }


def _word(state: str | None, at: datetime, event_id: str) -> Word | None:
    return Word(at=at, event_id=event_id, state=TrackingState(state)) if state else None
