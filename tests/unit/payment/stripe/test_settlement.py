"""Changes of the balance at Stripe, as rows of a settlement report."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from services.payment.adapters.stripe.settlement import row_from_stripe
from services.payment.domain.settlement.rows import RowKind

OURS, OTHER = UUID(int=7), UUID(int=8)


def changed(category, source, *, amount=10_00, fee=39, currency="eur"):
    return {
        "id": "txn_1",
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": currency,
        "created": 1_767_225_600,
        "reporting_category": category,
        "source": source,
    }


def charge(*captures):
    marks = {f"capture_{capture.hex}": "1000" for capture in captures}
    return {"id": "ch_1", "payment_intent": "pi_1", "metadata": {"payment_id": "x", **marks}}


def test_a_capture_is_known_by_its_intent_and_by_our_mark():
    row = row_from_stripe(changed("charge", charge(OURS)))

    assert (row.kind, row.source_id, row.transaction_id) == (RowKind.CAPTURE, "pi_1", OURS)
    assert (row.gross, row.fee, row.net) == (
        Money(10_00, "EUR"),
        Money(39, "EUR"),
        Money(9_61, "EUR"),
    )
    assert row.created_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("captures", [(), (OURS, OTHER)])
def test_a_capture_that_may_be_one_of_several_is_not_named(captures):
    assert row_from_stripe(changed("charge", charge(*captures))).transaction_id is None


def test_an_intent_that_stripe_has_written_out_is_named_all_the_same():
    source = {**charge(), "payment_intent": {"id": "pi_1", "object": "payment_intent"}}

    assert row_from_stripe(changed("charge", source)).source_id == "pi_1"


@pytest.mark.parametrize(
    ("category", "kind"),
    [("refund", RowKind.REFUND), ("refund_failure", RowKind.REFUND_FAILURE)],
)
def test_a_refund_is_known_by_itself_and_by_our_mark(category, kind):
    source = {"id": "re_1", "metadata": {"transaction_id": str(OURS)}}

    row = row_from_stripe(changed(category, source, amount=-10_00, fee=0))

    assert (row.kind, row.source_id, row.transaction_id) == (kind, "re_1", OURS)
    assert row.net == Money(-10_00, "EUR")


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("dispute", RowKind.CHARGEBACK),
        ("dispute_reversal", RowKind.CHARGEBACK_REVERSAL),
        ("fee", RowKind.FEE),
        ("payout", RowKind.PAYOUT),
    ],
)
def test_what_we_did_not_ask_for_is_known_by_the_psps_id(category, kind):
    row = row_from_stripe(changed(category, "xx_1", amount=-10_00))

    assert (row.kind, row.source_id, row.transaction_id) == (kind, "xx_1", None)


def test_a_fee_that_is_given_back_is_below_nothing():
    row = row_from_stripe(changed("dispute_reversal", "dp_1", amount=10_00, fee=-15_00))

    assert (row.fee, row.net) == (Money(-15_00, "EUR"), Money(25_00, "EUR"))
    assert row.adds_up


@pytest.mark.parametrize(("amount", "kind"), [(1, RowKind.CAPTURE), (-1, RowKind.REFUND)])
def test_what_we_have_no_word_for_is_not_lost(amount, kind):
    assert row_from_stripe(changed("risk_reserved_funds", None, amount=amount, fee=0)).kind is kind


def test_amounts_are_in_our_units():
    row = row_from_stripe(changed("charge", charge(), amount=5_00, fee=1_00, currency="isk"))

    assert (row.gross, row.fee) == (Money(5, "ISK"), Money(1, "ISK"))
