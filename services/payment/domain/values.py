"""The words of payment that have no life of their own."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from chassis.kernel.card_numbers import refuse_card_number
from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money

PaymentId = NewType("PaymentId", UUID)
IncrementId = NewType("IncrementId", UUID)
CaptureId = NewType("CaptureId", UUID)
RefundId = NewType("RefundId", UUID)
# The PSP's own id of a dispute.
ChargebackId = NewType("ChargebackId", str)
TransactionId = NewType("TransactionId", UUID)

# What the asker calls a transaction: the id of the capture, of the refund; the PSP's, of what came
# from there.
RequestId = NewType("RequestId", str)
NO_REQUEST_ID = RequestId("")

# The name of an account at the PSP, as the configuration has it.
PspAccount = NewType("PspAccount", str)
NO_ACCOUNT = PspAccount("")

# The PSP's own name for money that it has set aside.
PspReference = NewType("PspReference", str)
NO_REFERENCE = PspReference("")

# ISO 4217 for "no currency": a payment that was voided before anything was asked for.
NO_CURRENCY = "XXX"

# The PSP set aside another amount than it was asked for.
WRONG_AMOUNT = "wrong_amount"

# The PSP says that it did what it was asked, and that its totals have not changed.
NOTHING_MOVED = "nothing_moved"


class MerchantIdMalformed(InvalidInput):
    pass


@dataclass(frozen=True, slots=True)
class MerchantId:
    """
    Whose money it is: a word of 1 to 64 of a-z, 0-9, "-" and "_"; no card number.
    """

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z0-9_-]{1,64}", self.text):
            raise MerchantIdMalformed(
                "a merchant is 1 to 64 of a-z, 0-9, '-' and '_'", field="merchant_id"
            )
        refuse_card_number(self.text, "merchant_id")

    def __str__(self) -> str:
        return self.text


# Whoever has one shop need not name it.
MAIN_MERCHANT = MerchantId("main")


class TransactionKind(StrEnum):
    # Of money set aside; what is added later, too.
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

    Attributes:
        reference: Its name for what it did; for an authorization, for the money set aside.
        moved: What it has moved in fact: as a rule what it was asked for.
        expires_at: When it gives back what it has set aside; `None` if it does not say.
        total: All that it has taken, or set aside, for the payment with that; `None` if it does
            not say. If it does, this decides what was moved.
    """

    reference: PspReference
    moved: Money
    expires_at: datetime | None = None
    total: Money | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """
    The PSP did not do it, and never will under this key; or has undone it, as a refund that the
    payer's bank sent back.

    Attributes:
        reason: The PSP's word for why, such as "card_declined".
        undone: What it did before it undid it: it moved, there and back, and its report has both.
            `None` if it did nothing.
    """

    reason: str
    undone: Approved | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """
    Nobody knows whether the PSP did it, or it has not decided yet.
    """


PspAnswer = Approved | Declined | NoAnswer


def transaction_id_of(
    payment_id: PaymentId, kind: TransactionKind, request_id: UUID | str | None = None
) -> TransactionId:
    """
    Return the id of a transaction, which is also its idempotency key at the PSP: the same thing
    asked for twice is one transaction, whoever asks.
    """
    return TransactionId(uuid5(payment_id, f"{kind}:{request_id}" if request_id else kind))
