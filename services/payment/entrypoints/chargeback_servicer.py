"""The gRPC face of chargebacks: translate, call one use case, translate back."""

from functools import partial

import grpc

from chassis.kernel.clock import Clock
from chassis.rpc.errors import DETAILS_KEY
from retail.payment.v1 import chargeback_service_pb2 as pb
from retail.payment.v1.chargeback_service_pb2_grpc import ChargebackServiceServicer
from services.payment.application.chargebacks.list_chargebacks import list_chargebacks
from services.payment.application.chargebacks.ports import Disputes
from services.payment.application.chargebacks.submit_chargeback_evidence import (
    submit_chargeback_evidence,
)
from services.payment.application.conversation import PspOutcomeUnknown
from services.payment.application.ports import UnitOfWork
from services.payment.wire.chargebacks import (
    chargeback_id_from_wire,
    chargeback_to_wire,
    evidence_from_wire,
    page_to_wire,
    query_from_wire,
)
from services.payment.wire.payments import unknown_to_wire


class ChargebackServicer(ChargebackServiceServicer):
    def __init__(self, *, uow: UnitOfWork, disputes: Disputes, clock: Clock) -> None:
        self._uow = uow
        self._list = partial(list_chargebacks, uow=uow)
        self._submit = partial(submit_chargeback_evidence, uow=uow, disputes=disputes, clock=clock)

    async def GetChargeback(
        self, request: pb.GetChargebackRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetChargebackResponse:
        async with self._uow() as tx:
            found = await tx.chargebacks.get(chargeback_id_from_wire(request.chargeback_id))
        return pb.GetChargebackResponse(chargeback=chargeback_to_wire(found))

    async def ListChargebacks(
        self, request: pb.ListChargebacksRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListChargebacksResponse:
        found, more = await self._list(query_from_wire(request))
        return page_to_wire(found, more, request)

    async def SubmitChargebackEvidence(
        self, request: pb.SubmitChargebackEvidenceRequest, context: grpc.aio.ServicerContext
    ) -> pb.SubmitChargebackEvidenceResponse:
        answer = await self._submit(evidence_from_wire(request))
        if isinstance(answer, PspOutcomeUnknown):
            status = unknown_to_wire(answer)
            details = ((DETAILS_KEY, status.SerializeToString()),)
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, status.message, trailing_metadata=details
            )
        return pb.SubmitChargebackEvidenceResponse(chargeback=chargeback_to_wire(answer))
