"""The returns, as the fulfillment service follows them."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

import grpc

from chassis.rpc.errors import error_from_status, status_of
from chassis.rpc.money import money_to_wire
from retail.fulfillment.v1 import return_service_pb2 as pb
from retail.fulfillment.v1.return_service_pb2_grpc import ReturnServiceStub
from services.order.adapters.pieces import in_pieces
from services.order.adapters.refusals import refused_from_wire
from services.order.application.exchanges.ports import AskedReturn, WantedReturn
from services.order.application.participants import Refused
from services.order.application.returns.ports import ReturnCase
from services.order.domain.values import AccountId, ReturnId

_OVER = {pb.RETURN_STATE_CANCELLED, pb.RETURN_STATE_DECLINED}


class GrpcReturnDesk:
    def __init__(self, fulfillment: grpc.aio.Channel) -> None:
        self._returns = ReturnServiceStub(fulfillment)

    async def close(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        return await in_pieces(cases, self._close)

    async def _close(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        request = pb.CloseReturnsRequest(closings=[_closing(case) for case in cases])
        results = (await self._returns.CloseReturns(request)).results
        return [refused_from_wire(r.error) if r.HasField("error") else None for r in results]

    async def request(self, wanted: WantedReturn) -> AskedReturn:
        request = pb.RequestReturnRequest(
            account_id=wanted.account_id,
            order_id=str(wanted.order_id),
            return_id=str(wanted.return_id),
            lines=[
                pb.WantedReturnLine(
                    sku=line.sku,
                    quantity=line.units,
                    reason=cast("pb.ReturnReason", line.reason),
                    comment=line.comment,
                )
                for line in wanted.lines
            ],
        )
        try:
            answer = await self._returns.RequestReturn(request)
        except grpc.aio.AioRpcError as error:
            raise error_from_status(status_of(error)) or error from error
        return _asked(answer.customer_return)

    async def cancel(self, account_id: AccountId, return_id: ReturnId) -> None:
        request = pb.CancelReturnRequest(account_id=account_id, return_id=str(return_id))
        try:
            await self._returns.CancelReturn(request)
        except grpc.aio.AioRpcError as error:
            raise error_from_status(status_of(error)) or error from error


def _closing(case: ReturnCase) -> pb.Closing:
    taken = case.taken
    return pb.Closing(
        return_id=str(taken.id),
        refunded=money_to_wire(taken.refund.value) if taken.refund and taken.is_owed else None,
        replacement_order_id=str(taken.replacement_id) if taken.replacement_id else "",
    )


def _asked(wire: pb.Return) -> AskedReturn:
    return AskedReturn(
        return_id=ReturnId(UUID(wire.return_id)),
        is_over=wire.state in _OVER,
        told=wire.SerializeToString(),
    )
