"""The events of payments on the wire: payment_events.proto."""

from google.protobuf.message import Message

from chassis.rpc.money import money_to_wire
from chassis.rpc.timestamps import timestamp_to_wire
from retail.payment.v1 import payment_events_pb2 as pb
from services.payment.domain import events


def event_to_wire(event: events.PaymentEvent) -> Message:
    match event:
        case events.PaymentAuthorized():
            return pb.PaymentAuthorized(
                payment_id=str(event.payment_id), amount=money_to_wire(event.amount)
            )
        case events.PaymentDeclined():
            return pb.PaymentDeclined(
                payment_id=str(event.payment_id),
                amount=money_to_wire(event.amount),
                reason=event.reason,
            )
        case events.PaymentCaptured():
            return pb.PaymentCaptured(
                payment_id=str(event.payment_id),
                capture_id=str(event.capture_id),
                amount=money_to_wire(event.amount),
                total_captured=money_to_wire(event.total_captured),
            )
        case events.PaymentVoided():
            return pb.PaymentVoided(
                payment_id=str(event.payment_id),
                amount=money_to_wire(event.amount),
                expired=event.expired,
            )
        case events.AuthorizationIncremented():
            return pb.AuthorizationIncremented(
                payment_id=str(event.payment_id),
                increment_id=str(event.increment_id),
                amount=money_to_wire(event.amount),
                total_authorized=money_to_wire(event.total_authorized),
            )
        case events.PaymentRefunded():
            return pb.PaymentRefunded(
                payment_id=str(event.payment_id),
                refund_id=event.refund_id,
                amount=money_to_wire(event.amount),
                total_refunded=money_to_wire(event.total_refunded),
            )
        case events.RefundFailed():
            return pb.RefundFailed(
                payment_id=str(event.payment_id),
                refund_id=event.refund_id,
                amount=money_to_wire(event.amount),
                total_refunded=money_to_wire(event.total_refunded),
                reason=event.reason,
            )
        case events.ChargebackReceived():
            due = event.evidence_due_at
            return pb.ChargebackReceived(
                payment_id=str(event.payment_id),
                chargeback_id=event.chargeback_id,
                amount=money_to_wire(event.amount),
                reason=event.reason,
                evidence_due_time=timestamp_to_wire(due) if due else None,
            )
        case events.ChargebackClosed():
            return pb.ChargebackClosed(
                payment_id=str(event.payment_id),
                chargeback_id=event.chargeback_id,
                amount=money_to_wire(event.amount),
                won=event.won,
            )
