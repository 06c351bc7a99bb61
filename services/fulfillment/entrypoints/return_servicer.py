"""The gRPC face of returns: translate, call one use case, translate back."""

from collections.abc import Sequence
from functools import partial

import grpc

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError
from retail.fulfillment.v1 import return_service_pb2 as pb
from retail.fulfillment.v1.return_service_pb2_grpc import ReturnServiceServicer
from services.fulfillment.application.labels import Labels
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.approve_returns import approve_returns
from services.fulfillment.application.returns.cancel_return import cancel_return
from services.fulfillment.application.returns.close_returns import close_returns
from services.fulfillment.application.returns.decline_returns import decline_returns
from services.fulfillment.application.returns.get_return import get_return
from services.fulfillment.application.returns.get_return_label import get_return_label
from services.fulfillment.application.returns.list_returns import list_returns
from services.fulfillment.application.returns.list_waiting_returns import list_waiting_returns
from services.fulfillment.application.returns.receive_returns import receive_returns
from services.fulfillment.application.returns.request_claims import request_claims
from services.fulfillment.application.returns.request_returns import request_returns
from services.fulfillment.application.returns.send_returns_back import send_returns_back
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.policy import ReturnPolicy
from services.fulfillment.entrypoints.batches import Shared, answer_each
from services.fulfillment.wire.returns.answers import return_result_to_wire, return_to_wire
from services.fulfillment.wire.returns.fields import account_id_from_wire, return_id_from_wire
from services.fulfillment.wire.returns.pages import (
    list_returns_from_wire,
    list_waiting_from_wire,
    newest_token,
    waiting_token,
)
from services.fulfillment.wire.returns.requests import (
    claim_from_wire,
    giving_up_from_wire,
    return_from_wire,
)
from services.fulfillment.wire.returns.verbs import (
    approvals_from_wire,
    closings_from_wire,
    declines_from_wire,
    receipts_from_wire,
    send_backs_from_wire,
)


class ReturnServicer(ReturnServiceServicer):
    """
    Args:
        policy: What is taken back without asking anybody, and how long it waits.
        labels: Whoever makes labels.
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, policy: ReturnPolicy, labels: Labels
    ) -> None:
        self._uow = uow
        self._request = Shared(partial(request_returns, uow=uow, clock=clock, policy=policy))
        self._claim = Shared(partial(request_claims, uow=uow, clock=clock, policy=policy))
        self._approve = partial(approve_returns, uow=uow, clock=clock, policy=policy)
        self._decline = partial(decline_returns, uow=uow, clock=clock)
        self._cancel = partial(cancel_return, uow=uow, clock=clock)
        self._receive = Shared(partial(receive_returns, uow=uow, clock=clock))
        self._send_back = partial(send_returns_back, uow=uow)
        self._close = Shared(partial(close_returns, uow=uow, clock=clock))
        self._label = partial(get_return_label, uow=uow, labels=labels)

    async def RequestReturn(
        self, request: pb.RequestReturnRequest, context: grpc.aio.ServicerContext
    ) -> pb.RequestReturnResponse:
        opened = _only(await self._request([return_from_wire(request)]))
        return pb.RequestReturnResponse(customer_return=return_to_wire(opened))

    async def RequestClaim(
        self, request: pb.RequestClaimRequest, context: grpc.aio.ServicerContext
    ) -> pb.RequestClaimResponse:
        opened = _only(await self._claim([claim_from_wire(request)]))
        return pb.RequestClaimResponse(customer_return=return_to_wire(opened))

    async def ApproveReturns(
        self, request: pb.ApproveReturnsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ApproveReturnsResponse:
        answers = await answer_each(approvals_from_wire(request), self._approve)
        return pb.ApproveReturnsResponse(results=map(return_result_to_wire, answers))

    async def DeclineReturns(
        self, request: pb.DeclineReturnsRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeclineReturnsResponse:
        answers = await answer_each(declines_from_wire(request), self._decline)
        return pb.DeclineReturnsResponse(results=map(return_result_to_wire, answers))

    async def CancelReturn(
        self, request: pb.CancelReturnRequest, context: grpc.aio.ServicerContext
    ) -> pb.CancelReturnResponse:
        given_up = await self._cancel(giving_up_from_wire(request))
        return pb.CancelReturnResponse(customer_return=return_to_wire(given_up))

    async def ReceiveReturns(
        self, request: pb.ReceiveReturnsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ReceiveReturnsResponse:
        answers = await answer_each(receipts_from_wire(request), self._receive)
        return pb.ReceiveReturnsResponse(results=map(return_result_to_wire, answers))

    async def SendReturnsBack(
        self, request: pb.SendReturnsBackRequest, context: grpc.aio.ServicerContext
    ) -> pb.SendReturnsBackResponse:
        answers = await answer_each(send_backs_from_wire(request), self._send_back)
        return pb.SendReturnsBackResponse(results=map(return_result_to_wire, answers))

    async def CloseReturns(
        self, request: pb.CloseReturnsRequest, context: grpc.aio.ServicerContext
    ) -> pb.CloseReturnsResponse:
        answers = await answer_each(closings_from_wire(request), self._close)
        return pb.CloseReturnsResponse(results=map(return_result_to_wire, answers))

    async def GetReturn(
        self, request: pb.GetReturnRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetReturnResponse:
        return_id = return_id_from_wire(request.return_id, "return_id")
        account_id = account_id_from_wire(request.account_id)
        found = await get_return(return_id, account_id, uow=self._uow)
        return pb.GetReturnResponse(customer_return=return_to_wire(found))

    async def ListReturns(
        self, request: pb.ListReturnsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListReturnsResponse:
        found, more = await list_returns(list_returns_from_wire(request), uow=self._uow)
        return pb.ListReturnsResponse(
            returns=map(return_to_wire, found),
            next_page_token=newest_token(found[-1], request) if more else "",
        )

    async def ListWaitingReturns(
        self, request: pb.ListWaitingReturnsRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListWaitingReturnsResponse:
        found, more = await list_waiting_returns(list_waiting_from_wire(request), uow=self._uow)
        return pb.ListWaitingReturnsResponse(
            returns=map(return_to_wire, found),
            next_page_token=waiting_token(found[-1], request) if more else "",
        )

    async def GetReturnLabel(
        self, request: pb.GetReturnLabelRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetReturnLabelResponse:
        return_id = return_id_from_wire(request.return_id, "return_id")
        label = await self._label(return_id, account_id_from_wire(request.account_id))
        return pb.GetReturnLabelResponse(
            tracking_number=label.tracking_number,
            media_type=label.media_type,
            content=label.content,
        )


def _only(answers: Sequence[Return | DomainError]) -> Return:
    (answer,) = answers
    if isinstance(answer, DomainError):
        raise answer
    return answer
