"""The gRPC face of parcels: translate, call one use case, translate back."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from retail.fulfillment.v1 import shipment_service_pb2 as pb
from retail.fulfillment.v1.shipment_service_pb2_grpc import ShipmentServiceServicer
from services.fulfillment.application.labels import Labels
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.shipments.get_label import get_label
from services.fulfillment.application.shipments.list_tracking import list_tracking
from services.fulfillment.application.shipments.lose_shipments import lose_shipments
from services.fulfillment.application.shipments.pack_shipments import pack_shipments
from services.fulfillment.application.shipments.record_tracking import record_tracking
from services.fulfillment.application.shipments.return_shipments_to_sender import (
    return_shipments_to_sender,
)
from services.fulfillment.application.shipments.unpack_shipments import unpack_shipments
from services.fulfillment.domain.returns.policy import DEFAULT_POLICY, ReturnPolicy
from services.fulfillment.domain.values import ProviderId
from services.fulfillment.entrypoints.batches import Shared, answer_each
from services.fulfillment.wire.orders import result_to_wire
from services.fulfillment.wire.packing import (
    ends_from_wire,
    label_to_wire,
    packings_from_wire,
    shipment_id_from_wire,
    unpackings_from_wire,
)
from services.fulfillment.wire.tracking import tracking_event_to_wire, tracking_from_wire


class ShipmentServicer(ShipmentServiceServicer):
    """
    Args:
        policy: How long the shop waits for what comes back.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        labels: Labels,
        clock: Clock,
        policy: ReturnPolicy = DEFAULT_POLICY,
    ) -> None:
        self._uow = uow
        self._pack = Shared(partial(pack_shipments, uow=uow, labels=labels, clock=clock))
        self._unpack = Shared(partial(unpack_shipments, uow=uow))
        self._record = Shared(partial(record_tracking, uow=uow, clock=clock, policy=policy))
        self._lose = partial(lose_shipments, uow=uow, clock=clock)
        self._return = partial(return_shipments_to_sender, uow=uow, clock=clock, policy=policy)

    async def PackShipments(
        self, request: pb.PackShipmentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.PackShipmentsResponse:
        answers = await answer_each(packings_from_wire(request), self._pack)
        seen_by = ProviderId(request.provider_id)
        return pb.PackShipmentsResponse(
            results=[result_to_wire(answer, seen_by=seen_by) for answer in answers]
        )

    async def UnpackShipments(
        self, request: pb.UnpackShipmentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.UnpackShipmentsResponse:
        answers = await answer_each(unpackings_from_wire(request), self._unpack)
        seen_by = ProviderId(request.provider_id)
        return pb.UnpackShipmentsResponse(
            results=[result_to_wire(answer, seen_by=seen_by) for answer in answers]
        )

    async def GetLabel(
        self, request: pb.GetLabelRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetLabelResponse:
        shipment_id = shipment_id_from_wire(request.shipment_id, "shipment_id")
        return label_to_wire(await get_label(shipment_id, uow=self._uow))

    async def RecordTracking(
        self, request: pb.RecordTrackingRequest, context: grpc.aio.ServicerContext
    ) -> pb.RecordTrackingResponse:
        answers = await answer_each(tracking_from_wire(request), self._record)
        return pb.RecordTrackingResponse(results=[result_to_wire(answer) for answer in answers])

    async def ListTracking(
        self, request: pb.ListTrackingRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListTrackingResponse:
        shipment_id = shipment_id_from_wire(request.shipment_id, "shipment_id")
        events = await list_tracking(shipment_id, uow=self._uow)
        return pb.ListTrackingResponse(
            events=[tracking_event_to_wire(event, shipment_id) for event in events]
        )

    async def LoseShipments(
        self, request: pb.LoseShipmentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.LoseShipmentsResponse:
        answers = await answer_each(ends_from_wire(request.shipments), self._lose)
        return pb.LoseShipmentsResponse(results=[result_to_wire(answer) for answer in answers])

    async def ReturnShipmentsToSender(
        self, request: pb.ReturnShipmentsToSenderRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReturnShipmentsToSenderResponse:
        answers = await answer_each(ends_from_wire(request.shipments), self._return)
        return pb.ReturnShipmentsToSenderResponse(
            results=[result_to_wire(answer) for answer in answers]
        )
