"""The gRPC face of the payment service: translate, call one use case, translate back."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import grpc

from chassis.kernel.clock import Clock
from chassis.kernel.errors import InvalidInput
from retail.payment.v1 import payment_service_pb2 as pb
from retail.payment.v1.payment_service_pb2_grpc import PaymentServiceServicer
from services.payment.application.authorize_payments import AuthorizePayment, authorize_payments
from services.payment.application.capture_payments import CapturePayment, capture_payments
from services.payment.application.conversation import Answer
from services.payment.application.increment_authorizations import (
    IncrementAuthorization,
    increment_authorizations,
)
from services.payment.application.ledger.get_account_statement import get_account_statement
from services.payment.application.ledger.get_trial_balance import get_trial_balance
from services.payment.application.ports import Psp, PspAccounts, UnitOfWork
from services.payment.application.refund_payments import RefundPayment, refund_payments
from services.payment.application.void_payments import VoidPayment, void_payments
from services.payment.wire.ledger import (
    statement_from_wire,
    statement_to_wire,
    trial_balance_from_wire,
    trial_balance_to_wire,
)
from services.payment.wire.payments import payment_to_wire, result_to_wire
from services.payment.wire.requests import (
    authorization_from_wire,
    capture_from_wire,
    entries_from_wire,
    increment_from_wire,
    payment_id_from_wire,
    refund_from_wire,
    void_from_wire,
)

E = TypeVar("E")
C = TypeVar("C")


class PaymentServicer(PaymentServiceServicer):
    """
    Args:
        refund_window: For how long after the last capture a refund may be asked for.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        psp: Psp,
        accounts: PspAccounts,
        clock: Clock,
        refund_window: timedelta,
    ) -> None:
        self._uow = uow
        self._psp = psp
        self._accounts = accounts
        self._clock = clock
        self._refund_window = refund_window

    async def AuthorizePayments(
        self, request: pb.AuthorizePaymentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.AuthorizePaymentsResponse:
        async def authorize(commands: Sequence[AuthorizePayment]) -> Sequence[Answer]:
            return await authorize_payments(
                commands,
                uow=self._uow,
                psp=self._psp,
                accounts=self._accounts,
                clock=self._clock,
            )

        results = await answered(
            request.authorizations, "authorizations", authorization_from_wire, authorize
        )
        return pb.AuthorizePaymentsResponse(results=results)

    async def IncrementAuthorizations(
        self, request: pb.IncrementAuthorizationsRequest, context: grpc.aio.ServicerContext
    ) -> pb.IncrementAuthorizationsResponse:
        async def increment(commands: Sequence[IncrementAuthorization]) -> Sequence[Answer]:
            return await increment_authorizations(
                commands, uow=self._uow, psp=self._psp, clock=self._clock
            )

        results = await answered(request.increments, "increments", increment_from_wire, increment)
        return pb.IncrementAuthorizationsResponse(results=results)

    async def CapturePayments(
        self, request: pb.CapturePaymentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.CapturePaymentsResponse:
        async def capture(commands: Sequence[CapturePayment]) -> Sequence[Answer]:
            return await capture_payments(commands, uow=self._uow, psp=self._psp, clock=self._clock)

        results = await answered(request.captures, "captures", capture_from_wire, capture)
        return pb.CapturePaymentsResponse(results=results)

    async def VoidPayments(
        self, request: pb.VoidPaymentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.VoidPaymentsResponse:
        async def void(commands: Sequence[VoidPayment]) -> Sequence[Answer]:
            return await void_payments(commands, uow=self._uow, psp=self._psp, clock=self._clock)

        results = await answered(request.payment_ids, "payment_ids", void_from_wire, void)
        return pb.VoidPaymentsResponse(results=results)

    async def RefundPayments(
        self, request: pb.RefundPaymentsRequest, context: grpc.aio.ServicerContext
    ) -> pb.RefundPaymentsResponse:
        async def refund(commands: Sequence[RefundPayment]) -> Sequence[Answer]:
            return await refund_payments(
                commands,
                uow=self._uow,
                psp=self._psp,
                clock=self._clock,
                window=self._refund_window,
            )

        results = await answered(request.refunds, "refunds", refund_from_wire, refund)
        return pb.RefundPaymentsResponse(results=results)

    async def GetPayment(
        self, request: pb.GetPaymentRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetPaymentResponse:
        async with self._uow() as tx:
            payment = await tx.payments.get(payment_id_from_wire(request.payment_id, "payment_id"))
        return pb.GetPaymentResponse(payment=payment_to_wire(payment))

    async def GetTrialBalance(
        self, request: pb.GetTrialBalanceRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetTrialBalanceResponse:
        balance = await get_trial_balance(trial_balance_from_wire(request), uow=self._uow)
        return trial_balance_to_wire(balance)

    async def GetAccountStatement(
        self, request: pb.GetAccountStatementRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetAccountStatementResponse:
        statement = await get_account_statement(statement_from_wire(request), uow=self._uow)
        return statement_to_wire(statement, request)


async def answered(
    wire: Sequence[E],
    field: str,
    entry_from_wire: Callable[[E, str], C],
    use_case: Callable[[Sequence[C]], Awaitable[Sequence[Answer]]],
) -> list[pb.PaymentResult]:
    """
    Return the result of every entry of *field*, in order: a malformed one is refused, the others
    go on.
    """
    entries = entries_from_wire(wire, field, entry_from_wire)
    commands = [entry for entry in entries if not isinstance(entry, InvalidInput)]
    answers = iter(await use_case(commands) if commands else [])
    results = []
    for number, entry in enumerate(entries):
        answer = entry if isinstance(entry, InvalidInput) else next(answers)
        if answer is not entry and isinstance(answer, InvalidInput):
            # The use case knows the entry, not its place.
            answer.field = f"{field}[{number}].{answer.field}"
        results.append(result_to_wire(answer))
    return results
