from datetime import UTC, datetime

import pytest

from chassis.kernel.money import Money
from services.payment.adapters.stripe.facts import facts_of
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargebackState,
    ChargedBack,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.values import Approved, Declined, PspReference
from tests.unit.payment.stripe.objects import (
    AUTHORIZATION,
    CAPTURE,
    INCREMENT,
    OTHER_CAPTURE,
    PAYMENT,
    REFUND,
    VOID,
    capture_mark,
    dispute,
    event,
    increment_mark,
    intent,
    refund,
)

EUR_100, EUR_60, EUR_40 = Money(100_00, "EUR"), Money(60_00, "EUR"), Money(40_00, "EUR")
INTENT, CHARGE = PspReference("pi_1"), PspReference("ch_1")


def settled(transaction, answer):
    return TransactionSettled(payment_id=PAYMENT, transaction_id=transaction, answer=answer)


AUTHORIZED = settled(AUTHORIZATION, Approved(INTENT, EUR_100))


def test_money_that_is_set_aside_settles_the_authorization():
    assert facts_of(event(intent())) == [AUTHORIZED]


def test_what_was_set_aside_is_told_though_it_is_not_what_was_asked_for():
    (fact,) = facts_of(event(intent(amount=99_99)))

    assert fact.answer.moved == Money(99_99, "EUR")


def test_every_capture_is_told_with_the_sum_of_all():
    marks = [capture_mark(CAPTURE, 60_00), capture_mark(OTHER_CAPTURE, 40_00)]
    facts = facts_of(event(intent("succeeded", captured=100_00, marks=marks)))

    assert facts == [
        AUTHORIZED,
        settled(CAPTURE, Approved(CHARGE, EUR_60, total=EUR_100)),
        settled(OTHER_CAPTURE, Approved(CHARGE, EUR_40, total=EUR_100)),
    ]


def test_an_increment_is_told_with_all_that_is_set_aside():
    marks = [increment_mark(INCREMENT, 40_00)]
    facts = facts_of(event(intent(amount=140_00, marks=marks)))

    assert facts[1] == settled(INCREMENT, Approved(INTENT, EUR_40, total=Money(140_00, "EUR")))


def test_a_capture_does_not_change_what_was_set_aside():
    facts = facts_of(event(intent(captured=60_00, marks=[capture_mark(CAPTURE, 60_00)])))

    assert facts[0] == AUTHORIZED


def test_a_declined_card_is_told():
    failed = intent(
        "requires_payment_method",
        last_payment_error={"code": "card_declined", "decline_code": "insufficient_funds"},
    )

    assert facts_of(event(failed)) == [settled(AUTHORIZATION, Declined("insufficient_funds"))]


@pytest.mark.parametrize(
    "status", ["requires_payment_method", "requires_confirmation", "requires_action", "processing"]
)
def test_what_is_still_on_its_way_is_told_by_no_snapshot(status):
    assert facts_of(event(intent(status, last_payment_error=None))) == []


def test_a_cancelled_intent_ends_authorization_and_void():
    cancelled = intent("canceled", cancellation_reason="automatic")

    assert facts_of(event(cancelled)) == [
        settled(AUTHORIZATION, Declined("automatic")),
        AuthorizationLost(payment_id=PAYMENT),
        settled(VOID, Approved(INTENT, EUR_100)),
    ]


def test_what_waited_for_the_payer_and_was_cancelled_says_so():
    facts = facts_of(event(intent("canceled", latest_charge=None, cancellation_reason=None)))

    assert facts[0] == settled(AUTHORIZATION, Declined("authentication_required"))


def test_the_rest_is_lost_and_given_back_once_no_more_can_be_captured():
    marks = [capture_mark(CAPTURE, 60_00)]
    facts = facts_of(event(intent("succeeded", captured=60_00, marks=marks)))

    assert facts[2:] == [
        AuthorizationLost(payment_id=PAYMENT),
        settled(VOID, Approved(INTENT, EUR_40)),
    ]


def test_an_intent_of_somebody_else_tells_nothing():
    assert facts_of(event(intent(metadata={"payment_id": "order 12"}))) == []
    assert facts_of(event(intent(metadata={}))) == []
    assert facts_of(event({"id": "cus_1", "object": "customer"})) == []


def test_a_refund_of_ours_settles_its_transaction():
    assert facts_of(event(refund())) == [settled(REFUND, Approved(PspReference("re_1"), EUR_40))]


def test_a_refund_that_failed_is_told_with_its_reason():
    failed = refund("failed", failure_reason="lost_or_stolen_card")

    assert facts_of(event(failed)) == [settled(REFUND, Declined("lost_or_stolen_card"))]


@pytest.mark.parametrize("ours", [True, False])
def test_a_refund_that_failed_after_it_had_left_is_told_with_what_left(ours):
    failed = refund("failed", ours=ours, failure_balance_transaction="txn_2")

    (fact,) = facts_of(event(failed))

    assert fact.answer.undone == Approved("re_1", EUR_40) if ours else fact.came_back


@pytest.mark.parametrize("status", ["pending", "requires_action"])
@pytest.mark.parametrize("ours", [True, False])
def test_a_refund_on_its_way_tells_nothing(status, ours):
    assert facts_of(event(refund(status, ours=ours))) == []


@pytest.mark.parametrize(("status", "failed"), [("succeeded", False), ("failed", True)])
def test_a_refund_from_the_psps_office_is_told_by_its_intent(status, failed):
    assert facts_of(event(refund(status, ours=False))) == [
        RefundedElsewhere(
            authorization=INTENT, refund=PspReference("re_1"), amount=EUR_40, failed=failed
        )
    ]


def test_a_dispute_is_a_chargeback():
    assert facts_of(event(dispute())) == [
        ChargedBack(
            authorization=INTENT,
            chargeback_id="dp_1",
            amount=EUR_100,
            reason="fraudulent",
            state=ChargebackState.NEEDS_RESPONSE,
            opened_at=datetime(2026, 1, 2, tzinfo=UTC),
            evidence_due_at=datetime(2026, 1, 9, tzinfo=UTC),
        )
    ]


@pytest.mark.parametrize(
    "status", ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"]
)
def test_an_inquiry_takes_no_money(status):
    assert facts_of(event(dispute(status))) == []


def test_a_dispute_about_no_intent_is_nobodys():
    assert facts_of(event(dispute(payment_intent=None))) == []


def test_a_charge_tells_until_when_its_money_is_set_aside():
    charge = {
        "object": "charge",
        "status": "succeeded",
        "amount": 100_00,
        "currency": "eur",
        "payment_intent": "pi_1",
        "payment_method_details": {"card": {"capture_before": 1_767_916_800}},
        "metadata": intent()["metadata"],
    }
    until = datetime(2026, 1, 9, tzinfo=UTC)

    assert facts_of(event(charge)) == [
        settled(AUTHORIZATION, Approved(INTENT, EUR_100, expires_at=until))
    ]
    assert facts_of(event({**charge, "status": "failed"})) == []
    assert facts_of(event({**charge, "payment_method_details": None})) == []
