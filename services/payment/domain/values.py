"""The words of payment that have no life of their own."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from chassis.kernel.errors import InvalidInput

PaymentId = NewType("PaymentId", UUID)
CaptureId = NewType("CaptureId", UUID)
TransactionId = NewType("TransactionId", UUID)

# The PSP's own name for money that it has set aside.
PspReference = NewType("PspReference", str)
NO_REFERENCE = PspReference("")

# ISO 4217 for "no currency": a payment that was voided before anything was asked for.
NO_CURRENCY = "XXX"

MOST_TOKEN_CHARACTERS = 255


class PspTokenMalformed(InvalidInput):
    pass


class CardNumberRefused(InvalidInput):
    pass


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
class PspToken:
    """
    The PSP's stand-in for a means of payment; never a card number.
    """

    text: str

    def __post_init__(self) -> None:
        if looks_like_card_number(self.text):
            # The message must not repeat it: it would end up in a log.
            raise CardNumberRefused(
                "this looks like a card number; send the PSP's token instead", field="psp_token"
            )
        if not (
            0 < len(self.text) <= MOST_TOKEN_CHARACTERS
            and self.text.isascii()
            and self.text.isprintable()
        ):
            raise PspTokenMalformed(
                f"a token is 1 to {MOST_TOKEN_CHARACTERS} printable ASCII characters",
                field="psp_token",
            )


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


def looks_like_card_number(text: str) -> bool:
    """
    Return whether *text* is 13 to 19 digits, however grouped, with a right check digit (Luhn).
    """
    digits = re.sub(r"[ -]", "", text.strip())
    if not re.fullmatch(r"[0-9]{13,19}", digits):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
