"""Everything this service tells the world. The wire form is `fulfillment_events.proto`."""

from dataclasses import dataclass
from datetime import date, datetime

from services.fulfillment.domain.values import (
    FulfillmentOrderId,
    Goods,
    LocationId,
    OfferId,
    OrderId,
    ProviderId,
    ShipmentId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrderOpened:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    location_id: LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSubmitted:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    offer_id: OfferId
    provider_id: ProviderId
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccepted:
    """
    Attributes:
        first_day: When everything is to arrive, by the provider's clock.
    """

    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    offer_id: OfferId
    provider_id: ProviderId
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRejected:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    offer_id: OfferId
    provider_id: ProviderId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferExpired:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    offer_id: OfferId
    provider_id: ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrderUnfulfillable:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    location_id: LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrderCancelled:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfillmentOrderChanged:
    """
    Attributes:
        goods: All that is to be sent now.
        provider_id: Who does the work or is asked to, by which offer; `None`: nobody.
    """

    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    change_number: int
    goods: tuple[Goods, ...]
    provider_id: ProviderId | None
    offer_id: OfferId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDispatched:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    shipment_id: ShipmentId
    location_id: LocationId
    goods: tuple[Goods, ...]
    dispatched_at: datetime
    change_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentDelivered:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    shipment_id: ShipmentId
    delivered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationRequested:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    provider_id: ProviderId
    answer_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationAccepted:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    provider_id: ProviderId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationRejected:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    provider_id: ProviderId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentLost:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    shipment_id: ShipmentId
    lost_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentReturnedToSender:
    fulfillment_order_id: FulfillmentOrderId
    order_id: OrderId
    shipment_id: ShipmentId
    returned_at: datetime


FulfillmentEvent = (
    FulfillmentOrderOpened
    | OfferSubmitted
    | OfferAccepted
    | OfferRejected
    | OfferExpired
    | FulfillmentOrderUnfulfillable
    | FulfillmentOrderCancelled
    | FulfillmentOrderChanged
    | CancellationRequested
    | CancellationAccepted
    | CancellationRejected
    | ShipmentDispatched
    | ShipmentDelivered
    | ShipmentLost
    | ShipmentReturnedToSender
)
