"""How providers do and why one is asked before another, on the wire."""

from chassis.kernel.text import check_words
from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import provider_service_pb2 as pb
from services.fulfillment.application.providers.get_provider import WatchedProvider
from services.fulfillment.application.providers.ports import OfferExplanation
from services.fulfillment.application.providers.rank_providers import RankProviders
from services.fulfillment.application.providers.suspend_provider import SuspendProvider
from services.fulfillment.domain.ranking import RankedProvider
from services.fulfillment.wire.fields import provider_id_from_wire
from services.fulfillment.wire.providers import country_from_wire, level_from_wire

MOST_REASON = 200


def suspension_from_wire(request: pb.SuspendProviderRequest) -> SuspendProvider:
    return SuspendProvider(
        provider_id=provider_id_from_wire(request.provider_id, "provider_id"),
        reason=check_words(request.reason, "reason", most=MOST_REASON),
    )


def rank_providers_from_wire(request: pb.RankProvidersRequest) -> RankProviders:
    return RankProviders(
        country_code=country_from_wire(request.country_code, "country_code"),
        service_level=level_from_wire(request.service_level, "service_level"),
    )


def performance_to_wire(watched: WatchedProvider) -> pb.ProviderPerformance:
    performance = watched.performance
    return pb.ProviderPerformance(
        offers=performance.offers,
        accepted=performance.accepted,
        rejected=performance.rejected,
        expired=performance.expired,
        parcels=performance.parcels,
        on_time=performance.on_time,
        lost=performance.lost,
        damaged_units=performance.damaged,
        score=performance.score,
        taken_today=performance.taken.get(watched.day, 0),
        day=watched.day.isoformat(),
    )


def explanation_to_wire(explanation: OfferExplanation) -> pb.OfferExplanation:
    return pb.OfferExplanation(
        offer_id=str(explanation.offer_id),
        provider_id=explanation.provider_id,
        offer_time=timestamp_to_wire(explanation.offered_at),
        providers=[ranked_to_wire(ranked) for ranked in explanation.ranking],
    )


def ranked_to_wire(ranked: RankedProvider) -> pb.RankedProvider:
    return pb.RankedProvider(
        provider_id=ranked.provider_id,
        excluded=ranked.excluded or "",
        factors=pb.RankingFactors(
            rank=ranked.factors.rank,
            cost=ranked.factors.cost,
            score=ranked.factors.score,
            capacity=ranked.factors.capacity,
            total=ranked.factors.total,
        ),
    )
