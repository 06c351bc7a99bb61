"""A stranger's SDK is the judge: each journey of a payment, by Stripe's own client."""

from uuid import uuid4

import pytest
import stripe

CARD = {"type": "card", "card": {"token": "tok_visa"}}
MULTICAPTURE = {
    "card": {
        "request_multicapture": "if_available",
        "request_incremental_authorization": "if_available",
    }
}


def authorization(amount=100_00, *, token="tok_visa", currency="eur", **more):
    return {
        "amount": amount,
        "currency": currency,
        "confirm": True,
        "capture_method": "manual",
        "payment_method_data": {"type": "card", "card": {"token": token}},
        "payment_method_options": MULTICAPTURE,
        "metadata": {"payment_id": str(uuid4()), "merchant_id": "main"},
        **more,
    }


@pytest.fixture
def intents(psp_server):
    return psp_server.stripe.v1.payment_intents


async def test_an_authorization_sets_money_aside(intents):
    intent = await intents.create_async(authorization(), {"idempotency_key": str(uuid4())})

    assert (intent.status, intent.amount_capturable) == ("requires_capture", 100_00)
    assert await intents.retrieve_async(intent.id) == intent
