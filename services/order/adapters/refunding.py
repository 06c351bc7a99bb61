"""What is paid back for returns, as the payment service pays it."""

from collections.abc import Sequence

import grpc

from chassis.rpc.money import money_to_wire
from retail.payment.v1 import payment_service_pb2 as pb
from retail.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from services.order.adapters.pieces import in_pieces
from services.order.adapters.refusals import refused_from_wire
from services.order.application.participants import Refused
from services.order.application.returns.ports import ReturnCase


class GrpcRefunds:
    def __init__(self, payment: grpc.aio.Channel) -> None:
        self._payment = PaymentServiceStub(payment)

    async def refund(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        return await in_pieces(cases, self._refund)

    async def _refund(self, cases: Sequence[ReturnCase]) -> Sequence[Refused | None]:
        request = pb.RefundPaymentsRequest(refunds=[_refund(case) for case in cases])
        results = (await self._payment.RefundPayments(request)).results
        return [refused_from_wire(r.error) if r.HasField("error") else None for r in results]


def _refund(case: ReturnCase) -> pb.Refund:
    refund = case.taken.refund
    assert refund
    return pb.Refund(
        refund_id=str(case.return_id),
        # An order and its payment have one id.
        payment_id=str(case.order.id),
        amount=money_to_wire(refund.value),
        shipping=money_to_wire(refund.shipping),
        reason=case.taken.kind.lower(),
    )
