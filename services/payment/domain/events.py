"""Everything this service tells the world. The wire form is `payment_events.proto`."""

from dataclasses import dataclass

from chassis.kernel.money import Money
from services.payment.domain.values import CaptureId, PaymentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorized:
    payment_id: PaymentId
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined:
    payment_id: PaymentId
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured:
    payment_id: PaymentId
    capture_id: CaptureId
    amount: Money
    total_captured: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVoided:
    payment_id: PaymentId
    amount: Money


PaymentEvent = PaymentAuthorized | PaymentDeclined | PaymentCaptured | PaymentVoided
