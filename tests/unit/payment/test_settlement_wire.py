"""Settlement reports on the wire: every malformed field is named, nothing else is let in."""

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from chassis.kernel.errors import InvalidInput
from chassis.rpc.money import money_to_wire
from retail.payment.v1 import reconciliation_service_pb2 as pb
from services.payment.application.reconciliation.get_settlement_report import ReportStanding
from services.payment.domain.settlement.differences import DifferenceKind, DifferenceState
from services.payment.domain.settlement.report import new_report, report_key
from services.payment.wire.pages import PageTokenInvalid
from services.payment.wire.settlement import (
    difference_to_wire,
    import_from_wire,
    list_from_wire,
    page_to_wire,
    report_to_wire,
    row_from_wire,
    row_to_wire,
)
from tests.settlements import MAIN, honest, make
from tests.unit.payment.reconciliation import ReconciliationWorld


@pytest.fixture
def rows():
    random = Random(3)
    return honest([make(random) for _ in range(3)], random).rows


@pytest.fixture
async def differences(rows):
    """
    Rows that nothing here is about.
    """
    world = ReconciliationWorld()
    await world.reconcile([row for row in rows if row.kind.entry_kind])
    return world.open_differences


def test_a_row_comes_out_as_it_went_in(rows):
    for row in rows:
        assert row_from_wire(row_to_wire(row), "rows[0]") == row


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("row_id", "", "TEXT_MALFORMED"),
        ("row_id", "x" * 256, "TEXT_MALFORMED"),
        ("row_id", "txn\0", "TEXT_MALFORMED"),
        ("source_id", "x" * 256, "TEXT_MALFORMED"),
        ("kind", 0, "ROW_KIND_UNKNOWN"),
        ("kind", 99, "ROW_KIND_UNKNOWN"),
        ("transaction_id", "mine", "NOT_A_UUID"),
        ("gross.nanos", 1, "AMOUNT_NOT_EXACT"),
        ("net.currency_code", "euro", "CURRENCY_UNKNOWN"),
        ("net.currency_code", "USD", "CURRENCY_MISMATCH"),
        ("create_time.seconds", 10**15, "TIME_OUT_OF_RANGE"),
    ],
)
def test_a_malformed_row_is_named_with_its_field(rows, field, value, reason):
    row = next(row for row in rows if row.gross.currency in ("EUR", "GBP"))
    wire = row_to_wire(row)
    wire.fee.CopyFrom(money_to_wire(replace(row.gross, minor_units=0)))
    *parents, last = field.split(".")
    target = wire
    for parent in parents:
        target = getattr(target, parent)
    setattr(target, last, value)
    request = pb.ImportSettlementRowsRequest(rows=[row_to_wire(row), wire])

    with pytest.raises(InvalidInput) as refusal:
        import_from_wire(request)

    assert refusal.value.reason == reason
    assert refusal.value.field == f"rows[1].{field.partition('.')[0]}"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ImportSettlementRowsRequest(), "rows"),
        (pb.ImportSettlementRowsRequest(rows=[pb.SettlementRow()] * 2, offset=-1), "rows[0].kind"),
    ],
)
def test_an_import_without_sense_is_refused(request_, field):
    with pytest.raises(InvalidInput) as refusal:
        import_from_wire(request_)

    assert refusal.value.field == field


def test_a_report_says_what_it_has_of_each_kind():
    report = new_report(MAIN, "january")
    report.fees.update({"EUR": 1_25, "GBP": 0})
    counts = {DifferenceKind.DUPLICATED: {DifferenceState.OPEN: 2, DifferenceState.CORRECTED: 3}}

    wire = report_to_wire(ReportStanding(report, counts))

    assert wire.state == pb.SETTLEMENT_REPORT_STATE_IMPORTING
    assert [(each.kind, each.count, each.open) for each in wire.differences] == [
        (pb.DIFFERENCE_KIND_DUPLICATED, 5, 2)
    ]
    assert [fee.currency_code for fee in wire.fees] == ["EUR"]
    assert not wire.HasField("from_time")


def test_differences_are_listed_behind_the_last_one(differences):
    request = pb.ListDifferencesRequest(
        report_id="january", psp_account=MAIN, kind=pb.DIFFERENCE_KIND_MISSING_HERE
    )
    assert list_from_wire(request).limit == 100
    last = replace(differences[0], created_at=datetime(2026, 1, 2, 3, 4, 5, 678, UTC))

    request.page_token = page_to_wire([last], True, request).next_page_token
    command = list_from_wire(request)

    assert command.after == (last.created_at, last.id)
    assert command.wanted.report == report_key(MAIN, "january")
    assert command.wanted.state is DifferenceState.OPEN
    request.kind = pb.DIFFERENCE_KIND_DUPLICATED
    with pytest.raises(PageTokenInvalid):
        list_from_wire(request)


@pytest.mark.parametrize(
    ("field", "value"), [("kind", 99), ("state", 99), ("page_size", -1), ("page_token", "mine")]
)
def test_a_listing_without_sense_is_refused(field, value):
    with pytest.raises(InvalidInput) as refusal:
        list_from_wire(pb.ListDifferencesRequest(**{field: value}))

    assert refusal.value.field == field


def test_a_difference_says_all_that_is_needed_to_see_to_it(differences):
    difference = replace(differences[0], account=MAIN, report_id="january")

    wire = difference_to_wire(difference)

    assert UUID(wire.difference_id) == difference.id
    assert (wire.report_id, wire.psp_account, wire.merchant_id) == ("january", "main", "main")
    assert wire.row == row_to_wire(difference.row)
    assert sum(each.amount.units * 10**9 + each.amount.nanos for each in wire.correction) == 0
    assert wire.proposal
    assert not wire.HasField("expected")
    assert not wire.HasField("resolve_time")
