"""Between the contract and the model: pure translations, which name the field that is wrong."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import check_text, parse_sku
from chassis.rpc.errors import status_from_error
from chassis.rpc.timestamps import timestamp_to_wire
from retail.common.v1.address_pb2 import Address as WireAddress
from retail.fulfillment.v1 import fulfillment_events_pb2 as events_pb
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.order.v1.order_events_pb2 import OrderConfirmed
from services.fulfillment.application.accept_offers import AcceptOffer
from services.fulfillment.application.cancel_fulfillment import CancelFulfillment
from services.fulfillment.application.deliver_shipments import DeliverShipment
from services.fulfillment.application.dispatch_shipments import DispatchShipment
from services.fulfillment.application.open_fulfillment_orders import OpenFulfillmentOrders
from services.fulfillment.application.ports import OfferedWork
from services.fulfillment.application.reject_offers import RejectOffer
from services.fulfillment.domain.events import (
    FulfillmentEvent,
    FulfillmentOrderCancelled,
    FulfillmentOrderOpened,
    FulfillmentOrderUnfulfillable,
    OfferAccepted,
    OfferExpired,
    OfferRejected,
    OfferSubmitted,
    ShipmentDelivered,
    ShipmentDispatched,
)
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.offer import Offer
from services.fulfillment.domain.provider import Provider
from services.fulfillment.domain.shipment import Shipment
from services.fulfillment.domain.values import (
    Address,
    FulfillmentOrderId,
    Goods,
    LocationId,
    OfferId,
    OrderId,
    ProviderId,
    ShipmentId,
)

DOMAIN = "fulfillment.retail"

MOST_ENTRIES = 500

_PROVIDER_ID = re.compile(r"[a-z0-9-]{1,64}")
_COUNTRY = re.compile(r"[A-Z]{2}")

W = TypeVar("W")
C = TypeVar("C")


class BatchSizeOutOfRange(InvalidInput):
    pass


class ProviderIdMalformed(InvalidInput):
    pass


class RegionMalformed(InvalidInput):
    pass


# Requests in.


def acceptances_from_wire(request: pb.AcceptOffersRequest) -> list[AcceptOffer | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def acceptance(offer_id: str, field: str) -> AcceptOffer:
        return AcceptOffer(offer_id=OfferId(parse_id(offer_id, field)), provider_id=provider_id)

    return _entries(request.offer_ids, "offer_ids", acceptance)


def rejections_from_wire(request: pb.RejectOffersRequest) -> list[RejectOffer | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def rejection(wire: pb.Rejection, field: str) -> RejectOffer:
        return RejectOffer(
            offer_id=OfferId(parse_id(wire.offer_id, f"{field}.offer_id")),
            provider_id=provider_id,
            reason=check_text(wire.reason, f"{field}.reason", most=200),
        )

    return _entries(request.rejections, "rejections", rejection)


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

    return _entries(request.dispatches, "dispatches", dispatch)


def deliveries_from_wire(
    request: pb.DeliverShipmentsRequest,
) -> list[DeliverShipment | DomainError]:
    def delivery(wire: pb.Delivery, field: str) -> DeliverShipment:
        work = parse_id(wire.fulfillment_order_id, f"{field}.fulfillment_order_id")
        return DeliverShipment(
            fulfillment_order_id=FulfillmentOrderId(work),
            shipment_id=ShipmentId(parse_id(wire.shipment_id, f"{field}.shipment_id")),
        )

    return _entries(request.deliveries, "deliveries", delivery)


def cancellations_from_wire(
    request: pb.CancelFulfillmentRequest,
) -> list[CancelFulfillment | DomainError]:
    def cancellation(order_id: str, field: str) -> CancelFulfillment:
        return CancelFulfillment(order_id=order_id_from_wire(order_id, field))

    return _entries(request.order_ids, "order_ids", cancellation)


def order_id_from_wire(order_id: str, field: str) -> OrderId:
    return OrderId(parse_id(order_id, field))


def provider_id_from_wire(provider_id: str, field: str) -> ProviderId:
    if not _PROVIDER_ID.fullmatch(provider_id):
        raise ProviderIdMalformed(
            f"{field} must be 1 to 64 lower-case letters, digits and hyphens", field=field
        )
    return ProviderId(provider_id)


def provider_from_wire(wire: pb.Provider) -> Provider:
    for number, region in enumerate(wire.regions):
        if not _COUNTRY.fullmatch(region):
            field = f"provider.regions[{number}]"
            raise RegionMalformed(f"{field} must be two capital letters (ISO 3166-1)", field=field)
    return Provider(
        id=provider_id_from_wire(wire.provider_id, "provider.provider_id"),
        name=check_text(wire.name, "provider.name", least=1, most=200),
        regions=frozenset(wire.regions),
        rank=wire.rank,
        suspended=wire.suspended,
    )


def goods_from_wire(sku: str, quantity: int, field: str) -> Goods:
    try:
        return Goods(parse_sku(sku, f"{field}.sku"), Quantity(quantity))
    except InvalidInput as error:
        error.field = error.field if error.field.startswith(field) else f"{field}.{error.field}"
        raise


def work_from_wire(event: OrderConfirmed) -> OpenFulfillmentOrders:
    address = event.ship_to
    return OpenFulfillmentOrders(
        order_id=order_id_from_wire(event.order_id, "order_id"),
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


def _entries(
    wires: Sequence[W], field: str, translate: Callable[[W, str], C]
) -> list[C | DomainError]:
    """
    Return the command that each entry stands for, or its refusal: one malformed entry is no
    reason to turn away the others.

    Raises:
        BatchSizeOutOfRange: There are none, or too many.
    """
    if not 1 <= len(wires) <= MOST_ENTRIES:
        raise BatchSizeOutOfRange(
            f"{field} must have 1 to {MOST_ENTRIES} entries, not {len(wires)}", field=field
        )
    entries: list[C | DomainError] = []
    for number, wire in enumerate(wires):
        try:
            entries.append(translate(wire, f"{field}[{number}]"))
        except InvalidInput as refusal:
            entries.append(refusal)
    return entries


# Answers out.


def result_to_wire(
    answer: FulfillmentOrder | DomainError, *, seen_by: ProviderId | None = None
) -> pb.FulfillmentResult:
    if isinstance(answer, DomainError):
        return pb.FulfillmentResult(error=status_from_error(answer, DOMAIN))
    return pb.FulfillmentResult(fulfillment_order=order_to_wire(answer, seen_by=seen_by))


def cancellation_to_wire(answer: OrderId | DomainError) -> pb.CancelFulfillmentResult:
    if isinstance(answer, DomainError):
        return pb.CancelFulfillmentResult(error=status_from_error(answer, DOMAIN))
    return pb.CancelFulfillmentResult(cancelled_order_id=str(answer))


def order_to_wire(
    order: FulfillmentOrder, *, seen_by: ProviderId | None = None
) -> pb.FulfillmentOrder:
    """
    Args:
        seen_by: The provider who is told: what others were offered is not its business.
    """
    return pb.FulfillmentOrder(
        fulfillment_order_id=str(order.id),
        order_id=str(order.order_id),
        location_id=order.location_id,
        status=f"FULFILLMENT_ORDER_STATUS_{order.status}",
        request_status=f"REQUEST_STATUS_{order.request_status}",
        lines=_lines_to_wire(order.goods),
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
        shipments=[_shipment_to_wire(shipment) for shipment in order.shipments],
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


def offered_work_to_wire(work: OfferedWork) -> pb.OfferedWork:
    return pb.OfferedWork(
        offer=offer_to_wire(work.offer, work.order.id), fulfillment_order=order_to_wire(work.order)
    )


def provider_to_wire(provider: Provider) -> pb.Provider:
    return pb.Provider(
        provider_id=provider.id,
        name=provider.name,
        regions=sorted(provider.regions),
        rank=provider.rank,
        suspended=provider.suspended,
    )


def _shipment_to_wire(shipment: Shipment) -> pb.Shipment:
    arrived = shipment.delivered_at
    return pb.Shipment(
        shipment_id=str(shipment.id),
        state=f"SHIPMENT_STATE_{shipment.state}",
        lines=_lines_to_wire(shipment.goods),
        tracking_number=shipment.tracking_number,
        dispatch_time=timestamp_to_wire(shipment.dispatched_at),
        deliver_time=timestamp_to_wire(arrived) if arrived else None,
    )


def _lines_to_wire(goods: Iterable[Goods]) -> list[pb.FulfillmentLine]:
    return [pb.FulfillmentLine(sku=some.sku, quantity=some.quantity.units) for some in goods]


# Events out.


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
        case ShipmentDispatched():
            return events_pb.ShipmentDispatched(
                fulfillment_order_id=work,
                order_id=order,
                shipment_id=str(event.shipment_id),
                location_id=event.location_id,
                goods=[
                    events_pb.ShippedGoods(sku=some.sku, quantity=some.quantity.units)
                    for some in event.goods
                ],
                dispatch_time=timestamp_to_wire(event.dispatched_at),
            )
        case ShipmentDelivered():
            return events_pb.ShipmentDelivered(
                fulfillment_order_id=work,
                order_id=order,
                shipment_id=str(event.shipment_id),
                deliver_time=timestamp_to_wire(event.delivered_at),
            )
