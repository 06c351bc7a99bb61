from datetime import timedelta
from uuid import UUID

import pytest
from google.rpc.error_details_pb2 import BadRequest
from google.type.money_pb2 import Money as WireMoney

from chassis.kernel.errors import InvalidInput
from chassis.rpc.errors import reason_of
from retail.payment.v1 import payment_service_pb2 as pb
from services.payment.application.conversation import PspOutcomeUnknown
from services.payment.domain.payment import Payment
from services.payment.domain.values import PaymentId
from services.payment.entrypoints.servicer import PaymentServicer
from services.payment.wire.payments import result_to_wire
from services.payment.wire.requests import (
    BatchSizeOutOfRange,
    authorization_from_wire,
    capture_from_wire,
    entries_from_wire,
    refund_from_wire,
)

ID = str(UUID(int=1))
EUR_1 = WireMoney(currency_code="EUR", units=1)


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        (pb.Authorization(payment_id="x", amount=EUR_1, psp_token="t"), "payment_id"),
        (pb.Authorization(payment_id=ID, psp_token="t"), "amount"),
        (
            pb.Authorization(payment_id=ID, amount=WireMoney(currency_code="EUR"), psp_token="t"),
            "amount",
        ),
        (pb.Authorization(payment_id=ID, amount=EUR_1), "psp_token"),
        (
            pb.Authorization(payment_id=ID, amount=EUR_1, psp_token="4242424242424242"),
            "psp_token",
        ),
        (
            pb.Authorization(payment_id=ID, amount=EUR_1, psp_token="t", merchant_id="A Shop"),
            "merchant_id",
        ),
        (
            pb.Authorization(
                payment_id=ID, amount=EUR_1, psp_token="t", merchant_id="4242424242424242"
            ),
            "merchant_id",
        ),
    ],
)
def test_a_malformed_authorization_names_its_field(wire, field):
    with pytest.raises(InvalidInput) as refusal:
        authorization_from_wire(wire, "authorizations[3]")

    assert refusal.value.field == f"authorizations[3].{field}"


def test_a_capture_with_too_much_shipping_names_its_field():
    shipping = WireMoney(currency_code="EUR", units=2)
    wire = pb.Capture(capture_id=ID, payment_id=ID, amount=EUR_1, shipping=shipping)

    with pytest.raises(InvalidInput) as refusal:
        capture_from_wire(wire, "captures[0]")

    assert refusal.value.field == "captures[0].shipping"


@pytest.mark.parametrize("reason", ["4242 4242 4242 4242", "x" * 201, "a\0b"])
def test_a_refund_whose_reason_is_no_reason_names_its_field(reason):
    wire = pb.Refund(refund_id=ID, payment_id=ID, amount=EUR_1, reason=reason)

    with pytest.raises(InvalidInput) as refusal:
        refund_from_wire(wire, "refunds[2]")

    assert refusal.value.field == "refunds[2].reason"


@pytest.mark.parametrize("count", [0, 501])
def test_a_batch_has_1_to_500_entries(count):
    with pytest.raises(BatchSizeOutOfRange):
        entries_from_wire([ID] * count, "payment_ids", lambda entry, _: entry)


@pytest.fixture
def servicer(world):
    return PaymentServicer(
        uow=world.uow,
        psp=world.psp,
        accounts=world,
        clock=world.clock,
        refund_window=timedelta(days=1),
    )


def field_of(result):
    violation = BadRequest()
    assert result.error.details[1].Unpack(violation)
    return violation.field_violations[0].field


async def test_a_malformed_entry_is_refused_and_the_others_go_on(servicer):
    malformed = pb.Authorization(payment_id="x", amount=EUR_1, psp_token="tok_visa")
    fine = pb.Authorization(payment_id=ID, amount=EUR_1, psp_token="tok_visa")
    request = pb.AuthorizePaymentsRequest(authorizations=[malformed, fine])

    response = await servicer.AuthorizePayments(request, None)

    refused, authorized = response.results
    assert field_of(refused) == "authorizations[0].payment_id"
    assert authorized.payment.authorized == EUR_1


async def test_an_amount_in_another_currency_names_its_field(servicer):
    authorization = pb.Authorization(payment_id=ID, amount=EUR_1, psp_token="tok_visa")
    await servicer.AuthorizePayments(
        pb.AuthorizePaymentsRequest(authorizations=[authorization]), None
    )
    dollar = WireMoney(currency_code="USD", units=1)
    captures = [
        pb.Capture(capture_id=str(UUID(int=n)), payment_id=ID, amount=amount)
        for n, amount in enumerate((EUR_1, dollar))
    ]

    response = await servicer.CapturePayments(pb.CapturePaymentsRequest(captures=captures), None)

    assert response.results[0].payment.captured == EUR_1
    assert field_of(response.results[1]) == "captures[1].amount"


def test_an_unknown_outcome_is_unavailable_and_says_when_to_ask_again():
    result = result_to_wire(PspOutcomeUnknown(PaymentId(UUID(int=1))))

    assert result.error.code == 14
    assert reason_of(result.error) == "PSP_OUTCOME_UNKNOWN"


def test_a_payment_that_was_voided_before_it_began_has_no_currency():
    result = result_to_wire(Payment(id=PaymentId(UUID(int=1)), closed=True))

    assert result.payment.authorized.currency_code == "XXX"
    assert not result.payment.transactions
