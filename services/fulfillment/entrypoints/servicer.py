"""The gRPC face of fulfillment: translate, call one use case, translate back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import grpc

from chassis.kernel.clock import Clock
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from retail.fulfillment.v1.fulfillment_service_pb2_grpc import FulfillmentServiceServicer
from services.fulfillment.application.accept_offers import accept_offers
from services.fulfillment.application.answer_cancellations import answer_cancellations
from services.fulfillment.application.cancel_fulfillment import cancel_fulfillment
from services.fulfillment.application.change_fulfillment import change_fulfillment
from services.fulfillment.application.deliver_shipments import deliver_shipments
from services.fulfillment.application.dispatch_shipments import dispatch_shipments
from services.fulfillment.application.list_fulfillment_orders import list_fulfillment_orders
from services.fulfillment.application.list_provider_work import list_provider_work
from services.fulfillment.application.ports import OfferNotices, UnitOfWork
from services.fulfillment.application.providers.list_providers import list_providers
from services.fulfillment.application.providers.put_provider import put_provider
from services.fulfillment.application.reject_offers import reject_offers
from services.fulfillment.application.watch_offers import watch_offers
from services.fulfillment.domain.ranking import USUAL_WEIGHTS, RankingWeights
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.values import ProviderId
from services.fulfillment.entrypoints.batches import Shared, answer_each
from services.fulfillment.wire.cancellations import (
    answers_from_wire,
    cancellation_to_wire,
    cancellations_from_wire,
)
from services.fulfillment.wire.changes import change_result_to_wire, changes_from_wire
from services.fulfillment.wire.fields import order_id_from_wire, provider_id_from_wire
from services.fulfillment.wire.offers import (
    acceptances_from_wire,
    rejections_from_wire,
    watched_to_wire,
)
from services.fulfillment.wire.orders import order_to_wire, result_to_wire
from services.fulfillment.wire.provider_work import (
    list_provider_work_from_wire,
    provider_work_to_wire,
)
from services.fulfillment.wire.providers import provider_from_wire, provider_to_wire
from services.fulfillment.wire.shipments import deliveries_from_wire, dispatches_from_wire


class FulfillmentServicer(FulfillmentServiceServicer):
    """
    Args:
        notices: Tells watchers of new offers at once.
        answer_within: How long a provider has to answer an offer.
        answer_cancellation_within: How long it has to say whether work can be given up.
        weights: How much each factor of the ranking counts.
        policy: How long the shop waits for what comes back.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        notices: OfferNotices,
        answer_within: timedelta,
        answer_cancellation_within: timedelta,
        weights: RankingWeights = USUAL_WEIGHTS,
        policy: ReturnPolicy = DEFAULT_POLICY,
    ) -> None:
        self._uow = uow
        self._notices = notices
        self._accept = Shared(
            partial(
                accept_offers,
                uow=uow,
                clock=clock,
                answer_within=answer_within,
                weights=weights,
            )
        )
        self._reject = Shared(
            partial(
                reject_offers,
                uow=uow,
                clock=clock,
                answer_within=answer_within,
                weights=weights,
            )
        )
        within = answer_cancellation_within
        self._cancel = partial(cancel_fulfillment, uow=uow, clock=clock, answer_within=within)
        self._answer = Shared(
            partial(answer_cancellations, uow=uow, clock=clock, answer_within=within)
        )
        self._dispatch = Shared(partial(dispatch_shipments, uow=uow, clock=clock, policy=policy))
        self._deliver = Shared(partial(deliver_shipments, uow=uow, clock=clock))

    async def PutProvider(
        self, request: pb.PutProviderRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutProviderResponse:
        provider = provider_from_wire(request.provider)
        await put_provider(provider, uow=self._uow)
        return pb.PutProviderResponse(provider=provider_to_wire(provider))

    async def ListProviders(
        self, request: pb.ListProvidersRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProvidersResponse:
        providers = await list_providers(uow=self._uow)
        return pb.ListProvidersResponse(providers=[provider_to_wire(p) for p in providers])

    async def WatchOffers(
        self, request: pb.WatchOffersRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchOffersResponse]:
        provider_id = provider_id_from_wire(request.provider_id, "provider_id")
        async for watched in watch_offers(provider_id, uow=self._uow, notices=self._notices):
            yield watched_to_wire(watched, seen_by=provider_id)

    async def AcceptOffers(
        self, request: pb.AcceptOffersRequest, context: grpc.aio.ServicerContext
    ) -> pb.AcceptOffersResponse:
        answers = await answer_each(acceptances_from_wire(request), self._accept)
        seen_by = ProviderId(request.provider_id)
        return pb.AcceptOffersResponse(
            results=[result_to_wire(answer, seen_by=seen_by) for answer in answers]
        )

    async def RejectOffers(
        self, request: pb.RejectOffersRequest, context: grpc.aio.ServicerContext
    ) -> pb.RejectOffersResponse:
        answers = await answer_each(rejections_from_wire(request), self._reject)
        seen_by = ProviderId(request.provider_id)
        return pb.RejectOffersResponse(
            results=[result_to_wire(answer, seen_by=seen_by) for answer in answers]
        )

    async def DispatchShipments(
        self, request: pb.DispatchShipmentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.DispatchShipmentsResponse:
        answers = await answer_each(dispatches_from_wire(request), self._dispatch)
        seen_by = ProviderId(request.provider_id)
        return pb.DispatchShipmentsResponse(
            results=[result_to_wire(answer, seen_by=seen_by) for answer in answers]
        )

    async def DeliverShipments(
        self, request: pb.DeliverShipmentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeliverShipmentsResponse:
        answers = await answer_each(deliveries_from_wire(request), self._deliver)
        return pb.DeliverShipmentsResponse(results=[result_to_wire(answer) for answer in answers])

    async def CancelFulfillment(
        self, request: pb.CancelFulfillmentRequest, context: grpc.aio.ServicerContext
    ) -> pb.CancelFulfillmentResponse:
        answers = await answer_each(cancellations_from_wire(request), self._cancel)
        return pb.CancelFulfillmentResponse(results=[cancellation_to_wire(a) for a in answers])

    async def AnswerCancellations(
        self, request: pb.AnswerCancellationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.AnswerCancellationsResponse:
        answers = await answer_each(answers_from_wire(request), self._answer)
        seen_by = ProviderId(request.provider_id)
        return pb.AnswerCancellationsResponse(
            results=[result_to_wire(answer, seen_by=seen_by) for answer in answers]
        )

    async def ChangeFulfillment(
        self, request: pb.ChangeFulfillmentRequest, context: grpc.aio.ServicerContext
    ) -> pb.ChangeFulfillmentResponse:
        change = partial(change_fulfillment, uow=self._uow)
        answers = await answer_each(changes_from_wire(request), change)
        return pb.ChangeFulfillmentResponse(results=[change_result_to_wire(a) for a in answers])

    async def ListFulfillmentOrders(
        self, request: pb.ListFulfillmentOrdersRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListFulfillmentOrdersResponse:
        order_id = order_id_from_wire(request.order_id, "order_id")
        orders = await list_fulfillment_orders(order_id, uow=self._uow)
        return pb.ListFulfillmentOrdersResponse(
            fulfillment_orders=[order_to_wire(order) for order in orders]
        )

    async def ListProviderWork(
        self, request: pb.ListProviderWorkRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListProviderWorkResponse:
        command = list_provider_work_from_wire(request)
        work, is_more = await list_provider_work(command, uow=self._uow)
        return provider_work_to_wire(command, work, is_more=is_more)
