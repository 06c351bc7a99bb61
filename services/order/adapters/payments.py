"""The money, as the payment service keeps it."""

from collections.abc import Sequence

import grpc

from chassis.rpc.money import money_to_wire
from retail.payment.v1 import payment_service_pb2 as pb
from retail.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from services.order.adapters.pieces import in_pieces
from services.order.adapters.refusals import refused_from_wire
from services.order.application.participants import Refused
from services.order.domain.order import Order
from services.order.domain.shipment import Shipment


class GrpcPayments:
    def __init__(self, payment: grpc.aio.Channel) -> None:
        self._payment = PaymentServiceStub(payment)

    async def authorize(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        request = pb.AuthorizePaymentsRequest(
            authorizations=[
                pb.Authorization(
                    payment_id=str(order.id),
                    amount=money_to_wire(order.grand_total),
                    psp_token=order.psp_token,
                )
                for order in orders
            ]
        )
        return _refusals((await self._payment.AuthorizePayments(request)).results)

    async def capture(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        return await in_pieces(shipments, self._capture)

    async def _capture(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        request = pb.CapturePaymentsRequest(
            captures=[
                pb.Capture(
                    capture_id=str(shipment.id),
                    payment_id=str(order.id),
                    amount=money_to_wire(shipment.value),
                    shipping=money_to_wire(shipment.shipping),
                )
                for order, shipment in shipments
            ]
        )
        return _refusals((await self._payment.CapturePayments(request)).results)

    async def void(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        request = pb.VoidPaymentsRequest(payment_ids=[str(order.id) for order in orders])
        return _refusals((await self._payment.VoidPayments(request)).results)


def _refusals(results: Sequence[pb.PaymentResult]) -> Sequence[Refused | None]:
    return [refused_from_wire(r.error) if r.HasField("error") else None for r in results]
