"""Orders as rows, and back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.telemetry.tracing import trace_id_of
from services.order.adapters.return_rows import return_from_row
from services.order.domain.cancellation import Cancellation
from services.order.domain.order import Order
from services.order.domain.order_change import OrderChange
from services.order.domain.shipment import Shipment
from services.order.domain.values import (
    AccountId,
    Address,
    Allocation,
    Channel,
    FulfillmentStatus,
    Goods,
    LocationId,
    OrderCharge,
    OrderId,
    OrderLine,
    OrderStatus,
    PaymentStatus,
    Reason,
    RequestState,
    ReturnId,
    ServiceLevel,
    ShipmentId,
)


def order_from_rows(
    row: Row[Any],
    lines: Sequence[Row[Any]],
    shipments: Sequence[Row[Any]] = (),
    returns: Sequence[Row[Any]] = (),
) -> Order:
    currency = row.currency
    return Order(
        id=OrderId(row.id),
        version=row.version,
        event_count=row.event_count,
        trace=row.trace,
        account_id=AccountId(row.account_id),
        channel=Channel(row.channel),
        status=OrderStatus(row.status),
        payment_status=PaymentStatus(row.payment_status),
        fulfillment_status=FulfillmentStatus(row.fulfillment_status),
        reason=Reason(row.reason) if row.reason else None,
        reference=row.reference,
        shipping=Money(row.shipping, currency),
        discount=Money(row.discount, currency),
        authorized=Money(row.authorized, currency),
        refunded=row.refunded,
        payment_heard=row.payment_heard,
        shipping_lines=charges_from_row(row.shipping_lines, currency),
        discount_lines=charges_from_row(row.discount_lines, currency),
        service_level=ServiceLevel(row.service_level),
        psp_token=row.psp_token,
        ship_to=address_from_json(row.ship_to),
        lines=tuple(
            OrderLine(
                sku=Sku(line.sku),
                title=line.title,
                quantity=Quantity(line.quantity),
                unit_price=Money(line.unit_price, currency),
                number=line.number,
            )
            for line in lines
        ),
        allocations=tuple(
            Allocation(sku=Sku(sku), location_id=LocationId(location), units=units)
            for sku, location, units in row.allocations
        ),
        unfulfillable=tuple(LocationId(location) for location in row.unfulfillable),
        cancellation=cancellation_from_json(row.cancellation) if row.cancellation else None,
        change=change_from_json(row.change) if row.change else None,
        shipments={ShipmentId(s.id): shipment_from_row(s, currency) for s in shipments},
        returns={ReturnId(r.id): return_from_row(r, currency) for r in returns},
        for_return_id=ReturnId(row.for_return_id) if row.for_return_id else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        news_count=row.news_count,
    )


def charges_from_row(entries: Sequence[tuple[str, int]], currency: str) -> tuple[OrderCharge, ...]:
    return tuple(OrderCharge(title=t, amount=Money(units, currency)) for t, units in entries)


def row_from_order(order: Order) -> dict[str, Any]:
    return {
        **changes_from_order(order),
        "trace": order.trace,
        "account_id": order.account_id,
        "channel": order.channel,
        "reference": order.reference,
        "currency": order.currency,
        **row_from_terms(order),
        "shipping": order.shipping.minor_units,
        "discount": order.discount.minor_units,
        "shipping_lines": [(c.title, c.amount.minor_units) for c in order.shipping_lines],
        "discount_lines": [(c.title, c.amount.minor_units) for c in order.discount_lines],
        "service_level": order.service_level,
        "psp_token": order.psp_token,
        "for_return_id": order.for_return_id,
        "created_at": order.created_at,
    }


def row_from_terms(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "items_total": order.items_total.minor_units,
        "grand_total": order.grand_total.minor_units,
        "ship_to": order.ship_to,
    }


def changes_from_order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "version": order.version,
        "event_count": order.event_count,
        "status": order.status,
        "payment_status": order.payment_status,
        "fulfillment_status": order.fulfillment_status,
        "reason": order.reason or "",
        "allocations": [(a.sku, a.location_id, a.units) for a in order.allocations],
        "unfulfillable": order.unfulfillable,
        "authorized": order.authorized.minor_units,
        "refunded": order.refunded,
        "payment_heard": order.payment_heard,
        "cancellation": order.cancellation,
        "change": change_to_json(order.change) if order.change else None,
        "return_count": len(order.returns),
        "news_count": order.news_count,
        "updated_at": order.updated_at,
    }


def line_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "number": line.number,
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity.units,
            "unit_price": line.unit_price.minor_units,
        }
        for line in order.lines
    ]


def shipment_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "id": shipment.id,
            "location_id": shipment.location_id,
            "goods": [(item.sku, item.units) for item in shipment.goods],
            "value": shipment.value.minor_units,
            "shipping": shipment.shipping.minor_units,
            "captured": shipment.captured,
            "dispatched_at": shipment.dispatched_at,
            "delivered_at": shipment.delivered_at,
            "lost_at": shipment.lost_at,
        }
        for shipment in order.shipments.values()
    ]


def shipment_from_row(row: Row[Any], currency: str) -> Shipment:
    return Shipment(
        id=ShipmentId(row.id),
        location_id=LocationId(row.location_id),
        goods=tuple(Goods(sku=Sku(sku), units=units) for sku, units in row.goods),
        value=Money(row.value, currency),
        shipping=Money(row.shipping, currency),
        captured=row.captured,
        dispatched_at=row.dispatched_at,
        delivered_at=row.delivered_at,
        lost_at=row.lost_at,
    )


def timeline_rows(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "order_id": order.id,
            "number": number,
            "at": entry.at,
            "what": entry.what,
            "cause": entry.cause,
            "trace_id": trace_id_of(order.trace),
        }
        for number, entry in enumerate(order.news, start=order.news_count - len(order.news) + 1)
    ]


def address_from_json(said: Mapping[str, Any]) -> Address:
    return Address(**{**said, "lines": tuple(said["lines"])})


def cancellation_from_json(said: Mapping[str, Any]) -> Cancellation:
    return Cancellation(
        reason=Reason(said["reason"]),
        note=said["note"],
        requested_at=datetime.fromisoformat(said["requested_at"]),
        state=RequestState(said["state"]),
        refusal=said["refusal"],
    )


def change_from_json(said: Mapping[str, Any]) -> OrderChange:
    return OrderChange(
        number=said["number"],
        ship_to=address_from_json(said["ship_to"]) if said["ship_to"] else None,
        quantities=dict(said["quantities"]),
        requested_at=datetime.fromisoformat(said["requested_at"]),
        state=RequestState(said["state"]),
        settled=said["settled"],
        refusal=said["refusal"],
    )


def change_to_json(change: OrderChange) -> dict[str, Any]:
    return {
        "number": change.number,
        "ship_to": change.ship_to,
        # A key of a JSON object would be text.
        "quantities": [*change.quantities.items()],
        "requested_at": change.requested_at,
        "state": change.state,
        "settled": change.settled,
        "refusal": change.refusal,
    }
