"""The gRPC face of the stories of orders: translate, call one use case, translate back."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from uuid import UUID

import grpc

from chassis.kernel.clock import Clock
from chassis.kernel.errors import DomainError, InvalidInput
from chassis.kernel.ids import parse_id
from retail.order.v1 import saga_service_pb2 as pb
from retail.order.v1.saga_service_pb2_grpc import SagaServiceServicer
from services.order.application.sagas.compensate_sagas import CompensateSagas, compensate_sagas
from services.order.application.sagas.get_saga import get_saga
from services.order.application.sagas.list_sagas import list_sagas
from services.order.application.sagas.ports import OrderSagaStanding, SagaUnitOfWork
from services.order.application.sagas.retry_sagas import RetrySagas, retry_sagas
from services.order.application.sagas.skip_saga_steps import SkipSagaSteps, skip_saga_steps
from services.order.application.sagas.standings import Steps
from services.order.wire.sagas import (
    list_sagas_from_wire,
    saga_page_token,
    saga_result_to_wire,
    saga_to_wire,
)

MOST_ORDERS = 500

Answer = OrderSagaStanding | DomainError


class OrderIdsOutOfRange(InvalidInput):
    pass


class SagaServicer(SagaServiceServicer):
    def __init__(self, *, uow: SagaUnitOfWork, steps: Steps, clock: Clock) -> None:
        self._list = partial(list_sagas, uow=uow, steps=steps, clock=clock)
        self._get = partial(get_saga, uow=uow, steps=steps, clock=clock)
        self._retry = partial(retry_sagas, uow=uow, steps=steps, clock=clock)
        self._skip = partial(skip_saga_steps, uow=uow, steps=steps, clock=clock)
        self._compensate = partial(compensate_sagas, uow=uow, steps=steps, clock=clock)

    async def ListSagas(
        self, request: pb.ListSagasRequest, context: grpc.aio.ServicerContext
    ) -> pb.ListSagasResponse:
        sagas, more = await self._list(list_sagas_from_wire(request))
        return pb.ListSagasResponse(
            sagas=[saga_to_wire(saga) for saga in sagas],
            next_page_token=saga_page_token(sagas[-1]) if more else "",
        )

    async def GetSaga(
        self, request: pb.GetSagaRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetSagaResponse:
        saga = await self._get(parse_id(request.order_id, "order_id"))
        return pb.GetSagaResponse(saga=saga_to_wire(saga))

    async def RetrySagas(
        self, request: pb.RetrySagasRequest, context: grpc.aio.ServicerContext
    ) -> pb.RetrySagasResponse:
        async def retry(ids: tuple[UUID, ...]) -> Sequence[Answer]:
            command = RetrySagas(ids=ids, actor=request.actor, reason=request.reason)
            return await self._retry(command)

        return pb.RetrySagasResponse(results=await _answer_each(request.order_ids, retry))

    async def SkipSagaSteps(
        self, request: pb.SkipSagaStepsRequest, context: grpc.aio.ServicerContext
    ) -> pb.SkipSagaStepsResponse:
        async def skip(ids: tuple[UUID, ...]) -> Sequence[Answer]:
            command = SkipSagaSteps(
                ids=ids, step=request.step, actor=request.actor, reason=request.reason
            )
            return await self._skip(command)

        return pb.SkipSagaStepsResponse(results=await _answer_each(request.order_ids, skip))

    async def CompensateSagas(
        self, request: pb.CompensateSagasRequest, context: grpc.aio.ServicerContext
    ) -> pb.CompensateSagasResponse:
        async def compensate(ids: tuple[UUID, ...]) -> Sequence[Answer]:
            command = CompensateSagas(ids=ids, actor=request.actor, reason=request.reason)
            return await self._compensate(command)

        return pb.CompensateSagasResponse(results=await _answer_each(request.order_ids, compensate))


async def _answer_each(
    texts: Sequence[str], act: Callable[[tuple[UUID, ...]], Awaitable[Sequence[Answer]]]
) -> list[pb.SagaResult]:
    """
    Return what *act* answers for the orders of *texts*; for a malformed id, which it never sees,
    the refusal that says where.
    """
    if not 1 <= len(texts) <= MOST_ORDERS:
        raise OrderIdsOutOfRange(f"order_ids is 1 to {MOST_ORDERS} orders", field="order_ids")
    entries = [_parsed(text, number) for number, text in enumerate(texts)]
    answers = iter(await act(tuple(e for e in entries if not isinstance(e, InvalidInput))))
    return [
        saga_result_to_wire(entry if isinstance(entry, InvalidInput) else next(answers))
        for entry in entries
    ]


def _parsed(text: str, number: int) -> UUID | InvalidInput:
    try:
        id_: UUID = parse_id(text, f"order_ids[{number}]")
        return id_
    except InvalidInput as refusal:
        return refusal
