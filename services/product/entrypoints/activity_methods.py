"""The methods of ProductService that concern what goes on with products."""

import grpc

from chassis.kernel.clock import Clock
from retail.product.v1 import product_service_pb2 as pb
from services.product.application.ports.activity import Counts
from services.product.application.ports.transaction import UnitOfWork
from services.product.application.products.record_views import record_views
from services.product.wire import activity, fields


class ActivityMethods:
    """
    How often products are looked at and sold.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock, counts: Counts) -> None:
        self._uow = uow
        self._clock = clock
        self._counts = counts

    async def RecordViews(
        self, request: pb.RecordViewsRequest, context: grpc.aio.ServicerContext
    ) -> pb.RecordViewsResponse:
        record_views(activity.views_from_wire(request), counts=self._counts, clock=self._clock)
        return pb.RecordViewsResponse()

    async def BatchGetActivity(
        self, request: pb.BatchGetActivityRequest, context: grpc.aio.ServicerContext
    ) -> pb.BatchGetActivityResponse:
        ids = fields.product_ids_from_wire(request.product_ids)
        async with self._uow() as tx:
            found = await tx.activity.of(ids, day=self._clock().date())
        return pb.BatchGetActivityResponse(
            activities=[activity.activity_to_wire(each) for each in found]
        )
