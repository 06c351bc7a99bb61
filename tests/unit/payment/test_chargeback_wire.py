from datetime import UTC, datetime

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.kernel.money import Money
from retail.payment.v1 import chargeback_service_pb2 as pb
from services.payment.domain.chargeback import chargeback_of
from services.payment.domain.facts import ChargebackState
from services.payment.domain.values import MAIN_MERCHANT
from services.payment.wire.chargebacks import (
    STATES,
    chargeback_to_wire,
    evidence_from_wire,
    page_to_wire,
    query_from_wire,
)
from services.payment.wire.pages import PageTokenInvalid, page_token_to_wire
from tests.unit.payment.facts import chargeback
from tests.unit.payment.told import ACCOUNT

NOON = datetime(2026, 1, 1, 12, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def disputed(payment_id):
    return chargeback_of(
        chargeback(Money(60_00, "EUR")),
        payment_id=payment_id,
        merchant=MAIN_MERCHANT,
        account=ACCOUNT,
    )


def test_a_chargeback_says_all_that_is_known_of_it(disputed, payment_id):
    disputed.submitted_at = NOON

    wire = chargeback_to_wire(disputed)

    assert (wire.chargeback_id, wire.payment_id) == ("dp_1", str(payment_id))
    assert (wire.amount.units, wire.amount.currency_code) == (60, "EUR")
    assert (wire.reason, wire.merchant_id) == ("fraudulent", "main")
    assert wire.create_time.ToDatetime(UTC) == disputed.opened_at
    assert wire.evidence_due_time.ToDatetime(UTC) == disputed.evidence_due_at
    assert wire.evidence_submit_time.ToDatetime(UTC) == NOON


def test_what_is_not_known_is_left_out(disputed):
    disputed.evidence_due_at = None

    wire = chargeback_to_wire(disputed)

    assert not wire.HasField("evidence_due_time")
    assert not wire.HasField("evidence_submit_time")


def test_every_state_has_a_name_on_the_wire():
    assert set(STATES) == set(ChargebackState)
    assert set(STATES.values()) == set(pb.ChargebackState.values()) - {0}


@pytest.mark.parametrize("due", [NOON, None])
def test_the_next_page_goes_on_where_the_last_one_ended(disputed, due):
    disputed.evidence_due_at = due
    request = pb.ListChargebacksRequest(page_size=10)
    request.page_token = page_to_wire([disputed], True, request).next_page_token

    query = query_from_wire(request)

    assert query.after == (due, "dp_1")
    assert (query.limit, query.state, query.payment_id) == (10, None, None)


def test_a_page_has_a_hundred_entries_unless_told_otherwise():
    assert query_from_wire(pb.ListChargebacksRequest()).limit == 100


def test_a_token_goes_with_what_was_asked_first(disputed):
    token = page_to_wire([disputed], True, pb.ListChargebacksRequest()).next_page_token
    request = pb.ListChargebacksRequest(state=pb.CHARGEBACK_STATE_WON, page_token=token)

    with pytest.raises(InvalidInput) as refused:
        query_from_wire(request)
    assert refused.value.field == "page_token"


MALFORMED = [
    ({"page_size": -1}, "page_size"),
    ({"page_size": 1_001}, "page_size"),
    ({"state": 17}, "state"),
    ({"payment_id": "17"}, "payment_id"),
    *(({"page_token": token}, "page_token") for token in ("x", "é", "bnVsbA==", "W1tb" * 10_000)),
]


@pytest.mark.parametrize(("fields", "field"), MALFORMED)
def test_what_is_malformed_is_refused_by_its_name(fields, field):
    with pytest.raises(InvalidInput) as refused:
        query_from_wire(pb.ListChargebacksRequest(**fields))

    assert refused.value.field == field


@pytest.mark.parametrize("place", ["", " ", "x dp_1", f"{10**30} dp_1", "0 dp\0", f"0 {'d' * 256}"])
def test_a_place_that_is_none_is_refused(place):
    token = page_token_to_wire(place, pb.ListChargebacksRequest())

    with pytest.raises(PageTokenInvalid):
        query_from_wire(pb.ListChargebacksRequest(page_token=token))


EVIDENCE = {"chargeback_id": "dp_1", "text": "It was delivered.", "tracking_number": "1Z"}


def test_evidence_is_read():
    command = evidence_from_wire(pb.SubmitChargebackEvidenceRequest(**EVIDENCE))

    assert (command.chargeback_id, command.evidence.text) == ("dp_1", "It was delivered.")
    assert command.evidence.tracking_number == "1Z"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"chargeback_id": ""}, "chargeback_id"),
        ({"chargeback_id": "d" * 256}, "chargeback_id"),
        ({"chargeback_id": "\0"}, "chargeback_id"),
        ({"text": ""}, "text"),
        ({"tracking_number": "1" * 101}, "tracking_number"),
    ],
)
def test_malformed_evidence_is_refused_by_its_name(fields, field):
    with pytest.raises(InvalidInput) as refused:
        evidence_from_wire(pb.SubmitChargebackEvidenceRequest(**(EVIDENCE | fields)))

    assert refused.value.field == field
