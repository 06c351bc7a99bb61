"""Objects as Stripe writes them."""

from uuid import UUID

import orjson

from services.payment.domain.values import (
    PaymentId,
    TransactionId,
    TransactionKind,
    transaction_id_of,
)

PAYMENT = PaymentId(UUID(int=7))
AUTHORIZATION = transaction_id_of(PAYMENT, TransactionKind.AUTHORIZATION)
VOID = transaction_id_of(PAYMENT, TransactionKind.VOID)
CAPTURE, OTHER_CAPTURE = TransactionId(UUID(int=11)), TransactionId(UUID(int=12))
INCREMENT, REFUND = TransactionId(UUID(int=13)), TransactionId(UUID(int=14))


def intent(status="requires_capture", *, amount=100_00, captured=0, marks=(), **more):
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": status,
        "amount": amount,
        "amount_capturable": amount - captured if status == "requires_capture" else 0,
        "amount_received": captured,
        "currency": "eur",
        "latest_charge": "ch_1",
        "metadata": {
            "payment_id": str(PAYMENT),
            "merchant_id": "main",
            "authorization": str(AUTHORIZATION),
            **dict(marks),
        },
        **more,
    }


def capture_mark(transaction, amount):
    return f"capture_{transaction.hex}", str(amount)


def increment_mark(transaction, amount):
    return f"added_{transaction.hex}", str(amount)


def refund(status="succeeded", *, ours=True, **more):
    metadata = {"payment_id": str(PAYMENT), "transaction_id": str(REFUND)}
    return {
        "id": "re_1",
        "object": "refund",
        "status": status,
        "amount": 40_00,
        "currency": "eur",
        "payment_intent": "pi_1",
        "metadata": metadata if ours else {},
        **more,
    }


def dispute(status="needs_response", **more):
    return {
        "id": "dp_1",
        "object": "dispute",
        "status": status,
        "amount": 100_00,
        "currency": "eur",
        "created": 1_767_312_000,
        "evidence_details": {"due_by": 1_767_916_800},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        **more,
    }


def event(subject, kind="payment_intent.amount_capturable_updated"):
    return orjson.dumps(
        {"id": "evt_1", "object": "event", "type": kind, "data": {"object": subject}}
    )
