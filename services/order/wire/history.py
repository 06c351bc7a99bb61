"""Between the history of orders and the contracts of the contexts that tell it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.kernel.ids import parse_id
from chassis.kernel.money import Money
from chassis.kernel.text import Sku
from chassis.rpc.money import money_from_wire, money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import fulfillment_events_pb2 as fulfillment_pb
from retail.order.v1 import order_events_pb2 as order_pb
from retail.order.v1 import order_history_service_pb2 as pb
from retail.payment.v1 import payment_events_pb2 as payment_pb
from services.order.application.history.list_order_history import ListOrderHistory
from services.order.domain.history.facts import (
    Authorized,
    Captured,
    Changed,
    ChargedBack,
    Confirmed,
    Ended,
    Fact,
    GoodsReturned,
    ParcelDelivered,
    ParcelDispatched,
    ParcelLost,
    Placed,
    Refunded,
    Told,
    Voided,
    WorkAccepted,
    WorkChanged,
    WorkUnfulfillable,
)
from services.order.domain.history.summary import OrderSummary
from services.order.domain.values import (
    AccountId,
    Goods,
    LocationId,
    OrderId,
    OrderStatus,
    account_id,
)
from services.order.wire.orders import (
    DEFAULT_PAGE_SIZE,
    order_id_from_token,
    period_from_wire,
    statuses_from_wire,
)


def _placed(event: order_pb.OrderPlaced) -> Placed:
    return Placed(
        account_id=AccountId(event.account_id),
        grand_total=money_from_wire(event.grand_total, "grand_total"),
        goods=_goods(event.goods),
    )


def _changed(event: order_pb.OrderChanged) -> Changed:
    return Changed(
        grand_total=money_from_wire(event.grand_total, "grand_total"), goods=_goods(event.goods)
    )


def _goods(goods: Iterable[order_pb.OrderedGoods]) -> tuple[Goods, ...]:
    return tuple(Goods(sku=Sku(item.sku), units=item.quantity) for item in goods)


def _confirmed(event: order_pb.OrderConfirmed) -> Confirmed:
    units_at: dict[LocationId, int] = {}
    for item in event.goods:
        location_id = LocationId(item.location_id)
        units_at[location_id] = units_at.get(location_id, 0) + item.quantity
    return Confirmed(units_at=units_at)


def _captured(event: payment_pb.PaymentCaptured) -> Captured:
    total = money_from_wire(event.total_captured, "total_captured")
    return Captured(total=total.minor_units)


def _refunded(event: payment_pb.PaymentRefunded | payment_pb.RefundFailed) -> Refunded:
    total = money_from_wire(event.total_refunded, "total_refunded")
    return Refunded(total=total.minor_units)


def _charged_back(event: payment_pb.ChargebackReceived) -> ChargedBack:
    return ChargedBack(amount=money_from_wire(event.amount, "amount").minor_units)


def _charge_decided(event: payment_pb.ChargebackClosed) -> ChargedBack:
    amount = money_from_wire(event.amount, "amount").minor_units
    return ChargedBack(amount=-amount if event.won else 0)


def _dispatched(event: fulfillment_pb.ShipmentDispatched) -> ParcelDispatched:
    return ParcelDispatched(
        units=sum(g.quantity for g in event.goods), at=event.dispatch_time.ToDatetime(UTC)
    )


# What each event tells that tells something. All others are passed over.
FACTS: Mapping[str, Mapping[type[Message], Callable[[Any], Fact]]] = {
    "order": {
        order_pb.OrderPlaced: _placed,
        order_pb.OrderConfirmed: _confirmed,
        order_pb.OrderChanged: _changed,
        order_pb.OrderRejected: lambda e: Ended(status=OrderStatus.REJECTED, reason=e.reason),
        order_pb.OrderCancelled: lambda e: Ended(status=OrderStatus.CANCELLED, reason=e.reason),
        order_pb.OrderCompleted: lambda _: Ended(status=OrderStatus.COMPLETED),
    },
    "payment": {
        payment_pb.PaymentAuthorized: lambda _: Authorized(),
        payment_pb.PaymentCaptured: _captured,
        payment_pb.PaymentVoided: lambda _: Voided(),
        payment_pb.PaymentRefunded: _refunded,
        payment_pb.RefundFailed: _refunded,
        payment_pb.ChargebackReceived: _charged_back,
        payment_pb.ChargebackClosed: _charge_decided,
    },
    "fulfillment": {
        fulfillment_pb.OfferAccepted: lambda _: WorkAccepted(),
        fulfillment_pb.FulfillmentOrderUnfulfillable: lambda e: WorkUnfulfillable(
            location_id=LocationId(e.location_id)
        ),
        fulfillment_pb.FulfillmentOrderChanged: lambda e: WorkChanged(
            units=sum(item.quantity for item in e.goods)
        ),
        fulfillment_pb.FulfillmentOrderCancelled: lambda _: WorkChanged(units=0),
        fulfillment_pb.ShipmentDispatched: _dispatched,
        fulfillment_pb.ShipmentDelivered: lambda e: ParcelDelivered(
            at=e.deliver_time.ToDatetime(UTC)
        ),
        fulfillment_pb.ShipmentLost: lambda _: ParcelLost(),
        fulfillment_pb.ShipmentReturnedToSender: lambda _: ParcelLost(),
        fulfillment_pb.ReturnReceived: lambda e: GoodsReturned(
            units=sum(some.accepted for some in e.goods)
        ),
    },
}

_EVENTS: Mapping[str, type[Message]] = {
    descriptor.full_name: getattr(contract, name)
    for contract in (order_pb, payment_pb, fulfillment_pb)
    for name, descriptor in contract.DESCRIPTOR.message_types_by_name.items()
}
_FACTS = {message: fact_of for facts in FACTS.values() for message, fact_of in facts.items()}


def told_from_payload(subject: str, payload: bytes) -> Told | None:
    """
    Return what an event of any type tells; `None` if it is of a type that came after us.
    """
    message = _EVENTS.get(subject)
    if message is None:
        return None
    event = message.FromString(payload)
    fact_of = _FACTS.get(message)
    return told_from_wire(event, fact_of(event) if fact_of else None)


def told_from_wire(event: Any, fact: Fact | None) -> Told:
    meta = event.meta
    aggregate_id = parse_id(meta.aggregate_id, "aggregate_id")
    # The order and its payment have one id.
    order_id = getattr(event, "order_id", "")
    return Told(
        order_id=OrderId(parse_id(order_id, "order_id") if order_id else aggregate_id),
        aggregate_id=aggregate_id,
        version=meta.aggregate_version,
        at=meta.occurred_at.ToDatetime(UTC),
        fact=fact,
    )


def list_order_history_from_wire(request: pb.ListOrderHistoryRequest) -> ListOrderHistory:
    return ListOrderHistory(
        account_id=account_id(request.account_id),
        before=order_id_from_token(request.page_token) if request.page_token else None,
        statuses=statuses_from_wire(request.statuses),
        period=period_from_wire(request),
        limit=request.page_size or DEFAULT_PAGE_SIZE,
    )


def summary_to_wire(order: OrderSummary) -> pb.OrderSummary:
    promise, currency = order.promise, order.promise.grand_total.currency
    return pb.OrderSummary(
        order_id=str(order.order_id),
        account_id=promise.account_id,
        status=f"ORDER_STATUS_{promise.status}",
        payment_status=f"PAYMENT_STATUS_{order.payment_status}",
        fulfillment_status=f"FULFILLMENT_STATUS_{order.fulfillment_status}",
        grand_total=money_to_wire(promise.grand_total),
        captured=money_to_wire(Money(order.funds.captured, currency)),
        refunded=money_to_wire(Money(order.funds.refunded, currency)),
        charged_back=money_to_wire(Money(order.funds.charged_back, currency)),
        items=[pb.OrderSummaryItem(sku=g.sku, quantity=g.units) for g in promise.goods],
        place_time=_time(promise.placed_at),
        confirm_time=_time(promise.confirmed_at),
        dispatch_time=_time(order.dispatched_at),
        deliver_time=_time(order.delivered_at),
        end_time=_time(promise.ended_at),
        reason=promise.reason,
        parcels_dispatched=order.parcels_dispatched,
        parcels_delivered=order.parcels_delivered,
        parcels_lost=order.parcels_lost,
        units_returned=order.units_returned,
    )


def _time(at: datetime | None) -> Timestamp | None:
    return timestamp_to_wire(at) if at else None
