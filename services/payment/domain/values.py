"""The words of payment that have no life of their own."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

PaymentId = NewType("PaymentId", UUID)
CaptureId = NewType("CaptureId", UUID)
TransactionId = NewType("TransactionId", UUID)

# The PSP's own name for money that it has set aside.
PspReference = NewType("PspReference", str)
NO_REFERENCE = PspReference("")

# ISO 4217 for "no currency": a payment that was voided before anything was asked for.
NO_CURRENCY = "XXX"


class TransactionKind(StrEnum):
    AUTHORIZATION = "AUTHORIZATION"
    CAPTURE = "CAPTURE"
    VOID = "VOID"
    REFUND = "REFUND"
    CHARGEBACK = "CHARGEBACK"


class TransactionState(StrEnum):
    REQUESTED = "REQUESTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Approved:
    """
    The PSP did it.
    """

    reference: PspReference


@dataclass(frozen=True, slots=True)
class Declined:
    """
    The PSP did not do it, and never will under this key.

    Attributes:
        reason: The PSP's word for why, such as "card_declined".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """
    Nobody knows whether the PSP did it.
    """


PspAnswer = Approved | Declined | NoAnswer


def transaction_id_of(
    payment_id: PaymentId, kind: TransactionKind, capture_id: CaptureId | None = None
) -> TransactionId:
    """
    Return the id of a transaction, which is also its idempotency key at the PSP: the same thing
    asked for twice is one transaction, whoever asks.
    """
    return TransactionId(uuid5(payment_id, f"{kind}:{capture_id}" if capture_id else kind))
