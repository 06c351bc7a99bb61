"""Everything this service tells the world. The wire form is `payment_events.proto`."""

from dataclasses import dataclass
from datetime import datetime

from chassis.kernel.money import Money
from services.payment.domain.values import (
    CaptureId,
    ChargebackId,
    IncrementId,
    PaymentId,
    RequestId,
)


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
class AuthorizationIncremented:
    payment_id: PaymentId
    increment_id: IncrementId
    amount: Money
    total_authorized: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured:
    payment_id: PaymentId
    capture_id: CaptureId
    amount: Money
    total_captured: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVoided:
    """
    Attributes:
        expired: Whether nobody asked for it: the authorization had expired.
    """

    payment_id: PaymentId
    amount: Money
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded:
    """
    Attributes:
        refund_id: Of whoever asked for it; the PSP's, if that was done in the PSP's own office.
    """

    payment_id: PaymentId
    refund_id: RequestId
    amount: Money
    total_refunded: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFailed:
    payment_id: PaymentId
    refund_id: RequestId
    amount: Money
    total_refunded: Money
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackReceived:
    payment_id: PaymentId
    chargeback_id: ChargebackId
    amount: Money
    reason: str
    evidence_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargebackClosed:
    payment_id: PaymentId
    chargeback_id: ChargebackId
    amount: Money
    won: bool


PaymentEvent = (
    PaymentAuthorized
    | PaymentDeclined
    | AuthorizationIncremented
    | PaymentCaptured
    | PaymentVoided
    | PaymentRefunded
    | RefundFailed
    | ChargebackReceived
    | ChargebackClosed
)
