"""Cancellations on the wire: asked for by order, answered by fulfillment order."""

from chassis.kernel.errors import DomainError
from chassis.kernel.ids import parse_id
from chassis.kernel.text import check_words
from chassis.rpc.errors import status_from_error
from chassis.rpc.timestamps import timestamp_to_wire
from retail.fulfillment.v1 import fulfillment_service_pb2 as pb
from services.fulfillment.application.answer_cancellations import AnswerCancellation
from services.fulfillment.application.cancel_fulfillment import CancelFulfillment, Cancelling
from services.fulfillment.domain.values import FulfillmentOrderId
from services.fulfillment.wire.fields import (
    DOMAIN,
    entries_from_wire,
    order_id_from_wire,
    provider_id_from_wire,
)


def cancellations_from_wire(
    request: pb.CancelFulfillmentRequest,
) -> list[CancelFulfillment | DomainError]:
    def cancellation(order_id: str, field: str) -> CancelFulfillment:
        return CancelFulfillment(order_id=order_id_from_wire(order_id, field))

    return entries_from_wire(request.order_ids, "order_ids", cancellation)


def cancellation_to_wire(answer: Cancelling | DomainError) -> pb.CancelFulfillmentResult:
    if isinstance(answer, DomainError):
        return pb.CancelFulfillmentResult(error=status_from_error(answer, DOMAIN))
    if answer.answer_by is None:
        return pb.CancelFulfillmentResult(cancelled_order_id=str(answer.order_id))
    return pb.CancelFulfillmentResult(
        pending_order_id=str(answer.order_id), answer_by_time=timestamp_to_wire(answer.answer_by)
    )


def answers_from_wire(
    request: pb.AnswerCancellationsRequest,
) -> list[AnswerCancellation | DomainError]:
    provider_id = provider_id_from_wire(request.provider_id, "provider_id")

    def answer(wire: pb.CancellationAnswer, field: str) -> AnswerCancellation:
        work = parse_id(wire.fulfillment_order_id, f"{field}.fulfillment_order_id")
        return AnswerCancellation(
            fulfillment_order_id=FulfillmentOrderId(work),
            provider_id=provider_id,
            accepted=wire.accepted,
            reason=check_words(wire.reason, f"{field}.reason", most=200),
        )

    return entries_from_wire(request.answers, "answers", answer)
