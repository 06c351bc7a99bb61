"""
What the PSP keeps. Amounts are integers in the smallest unit, times are Unix seconds.

A record's fields are the columns of its table.
"""

from dataclasses import dataclass, field
from typing import Any

REQUIRES_PAYMENT_METHOD = "requires_payment_method"
REQUIRES_ACTION = "requires_action"
REQUIRES_CAPTURE = "requires_capture"
SUCCEEDED = "succeeded"
CANCELED = "canceled"


@dataclass(slots=True, kw_only=True, eq=False)
class Payment:
    """
    A payment intent and its charge, which share all but the first letters of their ids.

    Attributes:
        amount: What is set aside, whatever was taken of it since.
        captured: What was taken of it.
        released: What was given up of it: it was cancelled, or a capture was the last one.
        refunded: What was given back of what was taken, and has not failed.
        disputed: What the cardholder's bank has taken back and not returned.
        expires_at: Until when the bank sets it aside; `None` once nothing is set aside.
        multicapture: Whether it can be taken in parts.
        incremental: Whether more can be set aside later.
        movement_id: The latest capture on the merchant's balance.
    """

    id: str
    account: str
    created: int
    currency: str
    amount: int
    status: str
    payment_method: str
    metadata: dict[str, str]
    description: str = ""
    captured: int = 0
    released: int = 0
    refunded: int = 0
    disputed: int = 0
    captures: int = 0
    increments: int = 0
    multicapture: bool = False
    incremental: bool = False
    disputed_when_captured: bool = False
    failure: str = ""
    cancellation_reason: str = ""
    canceled_at: int | None = None
    expires_at: int | None = None
    movement_id: str = ""

    @property
    def charge_id(self) -> str:
        return f"ch_{self.id.removeprefix('pi_')}"

    @property
    def capturable(self) -> int:
        if self.status != REQUIRES_CAPTURE:
            return 0
        return self.amount - self.captured - self.released

    @property
    def refundable(self) -> int:
        return self.captured - self.refunded


@dataclass(slots=True, kw_only=True, eq=False)
class Refund:
    """
    Attributes:
        status: `succeeded`, `pending` or `failed`.
        becomes: What it will be once *due_at* has come; empty if it stays as it is.
    """

    id: str
    account: str
    created: int
    payment: str
    currency: str
    amount: int
    status: str
    metadata: dict[str, str]
    reason: str = ""
    failure_reason: str = ""
    movement_id: str = ""
    failure_movement_id: str = ""
    becomes: str = ""
    due_at: float | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Dispute:
    """
    Attributes:
        status: `needs_response`, `under_review`, `won` or `lost`.
    """

    id: str
    account: str
    created: int
    payment: str
    currency: str
    amount: int
    reason: str
    status: str
    due_by: int
    evidence: dict[str, str] = field(default_factory=dict[str, str])
    submissions: int = 0
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    movement_id: str = ""
    reversal_movement_id: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class Movement:
    """
    A change of a merchant's balance: what Stripe calls a balance transaction.

    Attributes:
        category: Why the balance changed: `charge`, `refund`, `refund_failure`, `dispute`,
            `dispute_reversal`, `payout`.
        amount: What moved before fees: above zero to the merchant.
        source: The charge, refund, dispute or payout.
        payment: The payment intent; empty for a payout.
        reference: What the merchant calls it, if it has said so.
        payout: The payout that it left with.
    """

    id: str
    account: str
    created: int
    category: str
    currency: str
    amount: int
    fee: int
    source: str
    payment: str = ""
    reference: str = ""
    payout: str = ""

    @property
    def net(self) -> int:
        return self.amount - self.fee


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """
    What was done with a payment's card.

    Attributes:
        kind: `authorization`, `increment`, `capture` or `release`.
        asked: How much was asked for; for an increment, how much more.
        moved: How much it was.
    """

    id: str
    account: str
    created: int
    payment: str
    kind: str
    asked: int
    moved: int
    key: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class Event:
    """
    Something that has happened, to be told to the merchant.

    Attributes:
        body: All of it as JSON, as it is sent.
        deliver_at: When it is sent next; `None` if it is not.
        attempts: How often it was sent.
    """

    id: str
    account: str
    created: int
    type: str
    body: str
    deliver_at: float | None = None
    attempts: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Key:
    """
    An idempotency key, and what was answered.

    Attributes:
        fingerprint: What was asked.
        status: The HTTP status of the answer; 0 while there is none to give again.
        asks: How often it was asked without an answer to give again.
    """

    account: str
    key: str
    created: int
    fingerprint: str
    status: int = 0
    body: str = ""
    asks: int = 0


Record = Payment | Refund | Dispute | Movement | Operation | Event | Key
Fields = dict[str, Any]
