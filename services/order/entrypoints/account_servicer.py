"""The gRPC face of what accounts may have under way."""

import grpc

from chassis.kernel.clock import Clock
from chassis.rpc.timestamps import timestamp_to_wire
from retail.order.v1 import account_service_pb2 as pb
from retail.order.v1.account_service_pb2_grpc import AccountServiceServicer
from services.order.application.accounts.delete_account_limits import (
    DeleteAccountLimits,
    delete_account_limits,
)
from services.order.application.accounts.get_account_limits import get_account_limits
from services.order.application.accounts.put_account_limits import put_account_limits
from services.order.application.ports import UnitOfWork
from services.order.domain.values import account_id
from services.order.wire.accounts import (
    counting_limits_to_wire,
    limits_to_wire,
    put_account_limits_from_wire,
)


class AccountServicer(AccountServiceServicer):
    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def PutAccountLimits(
        self, request: pb.PutAccountLimitsRequest, context: grpc.aio.ServicerContext
    ) -> pb.PutAccountLimitsResponse:
        command = put_account_limits_from_wire(request)
        since = await put_account_limits(command, uow=self._uow, clock=self._clock)
        return pb.PutAccountLimitsResponse(
            limits=limits_to_wire(command.limits), update_time=timestamp_to_wire(since)
        )

    async def DeleteAccountLimits(
        self, request: pb.DeleteAccountLimitsRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteAccountLimitsResponse:
        command = DeleteAccountLimits(account_id=account_id(request.account_id))
        await delete_account_limits(command, uow=self._uow)
        return pb.DeleteAccountLimitsResponse()

    async def GetAccountLimits(
        self, request: pb.GetAccountLimitsRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetAccountLimitsResponse:
        limits = await get_account_limits(account_id(request.account_id), uow=self._uow)
        return counting_limits_to_wire(limits)
