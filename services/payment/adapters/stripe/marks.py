"""
The marks that we leave on Stripe's objects as metadata, so that whoever sees one, by asking or in
a webhook, can tell which of our transactions have happened.

Stripe allows 50 marks on a payment intent: enough for 47 captures and increments.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from services.payment.domain.values import PaymentId, TransactionId

PAYMENT = "payment_id"
MERCHANT = "merchant_id"
AUTHORIZATION = "authorization"
TRANSACTION = "transaction_id"
REASON = "reason"
EVIDENCE = "evidence"
# Each followed by a transaction's id: the value is the amount asked for, in Stripe's units. A name
# may have 40 characters, of which the id takes 32.
CAPTURE = "capture_"
INCREMENT = "added_"


def of_transaction(prefix: str, transaction: TransactionId, amount: int) -> dict[str, str]:
    return {f"{prefix}{transaction.hex}": str(amount)}


def payment_in(metadata: Mapping[str, Any]) -> PaymentId | None:
    found = _uuid(metadata.get(PAYMENT))
    return PaymentId(found) if found else None


def transaction_in(metadata: Mapping[str, Any], name: str) -> TransactionId | None:
    found = _uuid(metadata.get(name))
    return TransactionId(found) if found else None


def transactions_in(
    metadata: Mapping[str, Any], prefix: str
) -> Iterator[tuple[TransactionId, int]]:
    """
    Yield the transactions that are marked with *prefix*, and what was asked for.
    """
    for name, amount in metadata.items():
        found = _uuid(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if found and str(amount).isdecimal():
            yield TransactionId(found), int(amount)


def _uuid(text: object) -> UUID | None:
    """
    Return the id that *text* is; `None` for what somebody else has written there.
    """
    try:
        return UUID(str(text))
    except ValueError:
        return None
