"""What the PSP tells of its own accord: by a webhook, late, twice, in any order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chassis.kernel.money import Money
from services.payment.domain.values import (
    ChargebackId,
    PaymentId,
    PspAnswer,
    PspReference,
    TransactionId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSettled:
    """
    What came of something that was asked of the PSP.
    """

    payment_id: PaymentId
    transaction_id: TransactionId
    answer: PspAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationLost:
    """
    What was set aside is no more: it has expired, or somebody cancelled it at the PSP.
    """

    payment_id: PaymentId


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedElsewhere:
    """
    Money was paid back that nobody here asked for: in the PSP's own office.

    Attributes:
        authorization: Of what payment: the PSP's name for the money it had set aside.
        refund: The PSP's name for the refund.
        failed: Whether it did not arrive; from then on it counts as never made.
        came_back: Whether the money had left before that.
    """

    authorization: PspReference
    refund: PspReference
    amount: Money
    failed: bool = False
    came_back: bool = False


class ChargebackState(StrEnum):
    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"

    @property
    def is_over(self) -> bool:
        return self in (ChargebackState.WON, ChargebackState.LOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedBack:
    """
    How a dispute stands.

    Attributes:
        authorization: Of what payment: the PSP's name for the money it had set aside.
        reason: The PSP's word, such as "fraudulent".
        evidence_due_at: Until when evidence may be submitted; `None` if it may not.
    """

    authorization: PspReference
    chargeback_id: ChargebackId
    amount: Money
    reason: str
    state: ChargebackState
    opened_at: datetime
    evidence_due_at: datetime | None


PspFact = TransactionSettled | AuthorizationLost | RefundedElsewhere | ChargedBack
