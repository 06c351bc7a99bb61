"""How fulfillment orders look as rows, and rows as fulfillment orders."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row

from services.fulfillment.adapters.json_goods import goods_from_json, json_from_goods
from services.fulfillment.adapters.rankings import json_from_ranking
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.promise import DeliveryPromise, PromiseState
from services.fulfillment.domain.returns.values import AccountId
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderId,
    FulfillmentOrderStatus,
    LocationId,
    OfferId,
    OfferState,
    OrderId,
    ProviderId,
    RequestStatus,
    ServiceLevel,
    units_of,
)


def order_from_row(
    row: Row[Any], *, offers: Iterable[Offer], shipments: Iterable[Shipment]
) -> FulfillmentOrder:
    return FulfillmentOrder(
        id=FulfillmentOrderId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        order_id=OrderId(row.order_id),
        account_id=AccountId(row.account_id),
        location_id=LocationId(row.location_id),
        goods=goods_from_json(row.goods),
        ship_to=_address_from_json(row.ship_to),
        status=FulfillmentOrderStatus(row.status),
        request_status=RequestStatus(row.request_status),
        offers=tuple(offers),
        change_number=row.change_number,
        answer_cancellation_by=row.answer_cancellation_by,
        service_level=ServiceLevel(row.service_level),
        promise=_promise_from_row(row) if row.promise_state else None,
        shipments=tuple(shipments),
    )


def row_from_order(order: FulfillmentOrder) -> dict[str, Any]:
    address = order.ship_to
    return {
        "id": order.id,
        "version": order.version,
        "event_count": order.event_count,
        "trace": order.trace,
        "order_id": order.order_id,
        "account_id": order.account_id,
        "location_id": order.location_id,
        "goods": json_from_goods(order.goods),
        "ship_to": {
            "name": address.name,
            "lines": address.lines,
            "city": address.city,
            "postal_code": address.postal_code,
            "country_code": address.country_code,
        },
        "status": order.status,
        "request_status": order.request_status,
        "change_number": order.change_number,
        "service_level": order.service_level,
        **_row_from_promise(order.promise),
        "done_by": order.done_by,
        "answer_cancellation_by": order.answer_cancellation_by,
        "ordered_units": units_of(order.goods),
        "dispatched_units": units_of(order.dispatched),
        "delivered_units": units_of(order.delivered),
        "packed_units": units_of(order.packed),
        "ended_units": units_of(order.ended),
    }


def offer_from_row(row: Row[Any]) -> Offer:
    return Offer(
        id=OfferId(row.offer_id),
        provider_id=ProviderId(row.provider_id),
        state=OfferState(row.state),
        expires_at=row.expires_at,
        reason=row.reason,
        change_number=row.offer_change_number,
        day=row.offer_day,
    )


def row_from_offer(offer: Offer, order: FulfillmentOrder) -> dict[str, Any]:
    return {
        "id": offer.id,
        "fulfillment_order_id": order.id,
        "provider_id": offer.provider_id,
        "state": offer.state,
        "expires_at": offer.expires_at,
        "reason": offer.reason,
        "change_number": offer.change_number,
        "day": offer.day,
    }


def row_from_new_offer(offer: Offer, order: FulfillmentOrder) -> dict[str, Any]:
    return {**row_from_offer(offer, order), "ranking": json_from_ranking(offer.ranking)}


def _promise_from_row(row: Row[Any]) -> DeliveryPromise:
    return DeliveryPromise(
        first_day=row.first_day,
        last_day=row.last_day,
        time_zone=row.promise_time_zone,
        state=PromiseState(row.promise_state),
    )


def _row_from_promise(promise: DeliveryPromise | None) -> dict[str, Any]:
    return {
        "first_day": promise.first_day if promise else None,
        "last_day": promise.last_day if promise else None,
        "promise_time_zone": promise.time_zone if promise else None,
        "promise_state": promise.state if promise else None,
    }


def _address_from_json(fields: Mapping[str, Any]) -> Address:
    return Address(**{**fields, "lines": tuple(fields["lines"])})
