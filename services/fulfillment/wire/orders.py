"""Fulfillment orders on the wire: how their work begins and ends, and how it stands."""

from chassis.kernel.errors import DomainError
from chassis.rpc.errors import status_from_error
from chassis.rpc.timestamps import timestamp_to_wire
from retail.common.v1.address_pb2 import Address as WireAddress
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.order.v1.order_events_pb2 import OrderConfirmed
from services.fulfillment.application.open_fulfillment_orders import OpenFulfillmentOrders
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.promise import DeliveryPromise
from services.fulfillment.domain.returns.values import AccountId
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderId,
    LocationId,
    ProviderId,
    ServiceLevel,
)
from services.fulfillment.wire.fields import (
    DOMAIN,
    goods_from_wire,
    order_id_from_wire,
)
from services.fulfillment.wire.parcels import lines_to_wire, shipment_to_wire


def work_from_wire(event: OrderConfirmed) -> OpenFulfillmentOrders:
    address = event.ship_to
    return OpenFulfillmentOrders(
        order_id=order_id_from_wire(event.order_id, "order_id"),
        # Empty in events of before there were any.
        service_level=ServiceLevel(event.service_level or ServiceLevel.STANDARD),
        account_id=AccountId(event.account_id),
        ship_to=Address(
            name=address.name,
            lines=tuple(address.lines),
            city=address.city,
            postal_code=address.postal_code,
            country_code=address.country_code,
        ),
        goods=tuple(
            (LocationId(line.location_id), goods_from_wire(line.sku, line.quantity, "goods"))
            for line in event.goods
        ),
    )


def result_to_wire(
    answer: FulfillmentOrder | DomainError, *, seen_by: ProviderId | None = None
) -> pb.FulfillmentResult:
    if isinstance(answer, DomainError):
        return pb.FulfillmentResult(error=status_from_error(answer, DOMAIN))
    return pb.FulfillmentResult(fulfillment_order=order_to_wire(answer, seen_by=seen_by))


def order_to_wire(
    order: FulfillmentOrder, *, seen_by: ProviderId | None = None
) -> pb.FulfillmentOrder:
    """
    Args:
        seen_by: The provider who is told: what others were offered is not its business.
    """
    answer_by = order.answer_cancellation_by if order.is_asked else None
    return pb.FulfillmentOrder(
        fulfillment_order_id=str(order.id),
        order_id=str(order.order_id),
        location_id=order.location_id,
        status=f"FULFILLMENT_ORDER_STATUS_{order.status}",
        request_status=f"REQUEST_STATUS_{order.request_status}",
        lines=lines_to_wire(order.goods),
        ship_to=WireAddress(
            name=order.ship_to.name,
            lines=order.ship_to.lines,
            city=order.ship_to.city,
            postal_code=order.ship_to.postal_code,
            country_code=order.ship_to.country_code,
        ),
        offers=[
            offer_to_wire(offer, order.id)
            for offer in order.offers
            if seen_by in (None, offer.provider_id)
        ],
        change_number=order.change_number,
        service_level=f"SERVICE_LEVEL_{order.service_level}",
        promise=_promise_to_wire(order.promise) if order.promise else None,
        shipments=[shipment_to_wire(shipment) for shipment in order.shipments],
        answer_cancellation_by=timestamp_to_wire(answer_by) if answer_by else None,
    )


def _promise_to_wire(promise: DeliveryPromise) -> pb.DeliveryPromise:
    return pb.DeliveryPromise(
        first_day=promise.first_day.isoformat(),
        last_day=promise.last_day.isoformat(),
        state=f"PROMISE_STATE_{promise.state}",
    )


def offer_to_wire(offer: Offer, order_id: FulfillmentOrderId) -> pb.Offer:
    return pb.Offer(
        offer_id=str(offer.id),
        fulfillment_order_id=str(order_id),
        provider_id=offer.provider_id,
        state=f"OFFER_STATE_{offer.state}",
        expire_time=timestamp_to_wire(offer.expires_at),
        reason=offer.reason,
    )
