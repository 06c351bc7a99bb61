"""The gRPC face of providers: how they do, and why one is asked before another."""

from datetime import timedelta

import grpc

from chassis.kernel.clock import Clock
from chassis.kernel.ids import parse_id
from retail.fulfillment.v1 import provider_service_pb2 as pb
from retail.fulfillment.v1.provider_service_pb2_grpc import ProviderServiceServicer
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.providers.explain_offers import explain_offers
from services.fulfillment.application.providers.get_provider import get_provider
from services.fulfillment.application.providers.rank_providers import rank_providers
from services.fulfillment.application.providers.resume_provider import resume_provider
from services.fulfillment.application.providers.suspend_provider import suspend_provider
from services.fulfillment.domain.ranking import RankingWeights
from services.fulfillment.domain.values import FulfillmentOrderId
from services.fulfillment.wire.fields import provider_id_from_wire
from services.fulfillment.wire.providers import provider_to_wire
from services.fulfillment.wire.rankings import (
    explanation_to_wire,
    performance_to_wire,
    rank_providers_from_wire,
    ranked_to_wire,
    suspension_from_wire,
)


class ProviderServicer(ProviderServiceServicer):
    """
    Args:
        answer_within: How long a provider has to answer an offer.
        weights: How much each factor of the ranking counts.
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, answer_within: timedelta, weights: RankingWeights
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._answer_within = answer_within
        self._weights = weights

    async def GetProvider(
        self, request: pb.GetProviderRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProviderResponse:
        provider_id = provider_id_from_wire(request.provider_id, "provider_id")
        watched = await get_provider(provider_id, uow=self._uow, clock=self._clock)
        return pb.GetProviderResponse(
            provider=provider_to_wire(watched.provider), performance=performance_to_wire(watched)
        )

    async def SuspendProvider(
        self, request: pb.SuspendProviderRequest, context: grpc.aio.ServicerContext
    ) -> pb.SuspendProviderResponse:
        provider = await suspend_provider(suspension_from_wire(request), uow=self._uow)
        return pb.SuspendProviderResponse(provider=provider_to_wire(provider))

    async def ResumeProvider(
        self, request: pb.ResumeProviderRequest, context: grpc.aio.ServicerContext
    ) -> pb.ResumeProviderResponse:
        provider_id = provider_id_from_wire(request.provider_id, "provider_id")
        provider = await resume_provider(provider_id, uow=self._uow)
        return pb.ResumeProviderResponse(provider=provider_to_wire(provider))

    async def RankProviders(
        self, request: pb.RankProvidersRequest, context: grpc.aio.ServicerContext
    ) -> pb.RankProvidersResponse:
        ranking = await rank_providers(
            rank_providers_from_wire(request),
            uow=self._uow,
            clock=self._clock,
            answer_within=self._answer_within,
            weights=self._weights,
        )
        return pb.RankProvidersResponse(providers=[ranked_to_wire(some) for some in ranking])

    async def ExplainOffers(
        self, request: pb.ExplainOffersRequest, context: grpc.aio.ServicerContext
    ) -> pb.ExplainOffersResponse:
        order_id = parse_id(request.fulfillment_order_id, "fulfillment_order_id")
        offers = await explain_offers(FulfillmentOrderId(order_id), uow=self._uow)
        return pb.ExplainOffersResponse(offers=[explanation_to_wire(some) for some in offers])
