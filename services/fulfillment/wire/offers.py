"""Offers on the wire, and what providers answer to them."""

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.kernel.text import check_words
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.accept_offers import AcceptOffer
from services.fulfillment.application.ports import OfferedWork
from services.fulfillment.application.reject_offers import RejectOffer
from services.fulfillment.application.watch_offers import Watched
from services.fulfillment.domain.values import OfferId, ProviderId
from services.fulfillment.wire.fields import entries_from_wire, provider_id_from_wire
from services.fulfillment.wire.orders import offer_to_wire, order_to_wire


def acceptances_from_wire(request: pb.AcceptOffersRequest) -> list[AcceptOffer | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def acceptance(offer_id: str, field: str) -> AcceptOffer:
        return AcceptOffer(offer_id=OfferId(parse_id(offer_id, field)), provider_id=provider_id)

    return entries_from_wire(request.offer_ids, "offer_ids", acceptance)


def rejections_from_wire(request: pb.RejectOffersRequest) -> list[RejectOffer | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def rejection(wire: pb.Rejection, field: str) -> RejectOffer:
        return RejectOffer(
            offer_id=OfferId(parse_id(wire.offer_id, f"{field}.offer_id")),
            provider_id=provider_id,
            reason=check_words(wire.reason, f"{field}.reason", most=200),
        )

    return entries_from_wire(request.rejections, "rejections", rejection)


def watched_to_wire(watched: Watched, *, seen_by: ProviderId) -> pb.WatchOffersResponse:
    return pb.WatchOffersResponse(
        offers=[offered_work_to_wire(some) for some in watched.offers],
        cancellations=[order_to_wire(some, seen_by=seen_by) for some in watched.cancellations],
    )


def offered_work_to_wire(work: OfferedWork) -> pb.OfferedWork:
    return pb.OfferedWork(
        offer=offer_to_wire(work.offer, work.order.id), fulfillment_order=order_to_wire(work.order)
    )
