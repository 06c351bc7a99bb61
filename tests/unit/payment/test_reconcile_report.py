"""Reports are matched with the books to the cent: nothing is overlooked, nothing is made up."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.kernel.card_numbers import CardNumberRefused
from chassis.kernel.text import TextMalformed
from services.payment.domain.ledger import Account
from services.payment.domain.settlement import matching as domain_matching
from services.payment.domain.settlement.differences import (
    DifferenceKind,
    DifferenceResolved,
    DifferenceState,
)
from services.payment.domain.settlement.report import (
    PeriodMalformed,
    ReportComplete,
    ReportIncomplete,
    ReportMismatch,
    ReportState,
)
from services.payment.entrypoints.reconciliation_jobs import show_differences
from services.payment.entrypoints.reconciliation_metrics import DIFFERENCES
from tests.settlements import EVENING, MORNING, Liar, honest, lie, make
from tests.unit.payment.reconciliation import ReconciliationWorld

seeds = st.integers(0, 2**32)
MINUTE = timedelta(minutes=1)


def made_of(seed, count=4, **more):
    random = Random(seed)
    return [make(random, **more) for _ in range(count)], random


async def in_world(made, report, batch=3):
    world = ReconciliationWorld(*made, batch=batch)
    await world.reconcile(report.rows)
    return world


async def must_come_out_even(world):
    await world.correct_all()
    assert world.held(Account.PSP_CLEARING) == {}


@given(seeds, st.integers(1, 7))
@settings(max_examples=60, deadline=None)
async def test_an_honest_report_has_only_what_the_psp_moved_wrongly(seed, batch):
    made, random = made_of(seed)
    report = honest(made, random)

    world = await in_world(made, report, batch)

    assert world.findings == report.findings
    assert world.held(Account.PSP_CLEARING) == {}
    await world.correct_all()
    assert world.held(Account.SUSPENSE) == {}


@given(seeds, st.integers(0, 8), st.integers(1, 7))
@settings(max_examples=150, deadline=None)
async def test_one_lie_is_found_and_nothing_else(seed, number, batch):
    made, random = made_of(seed, lies=False)
    liar = Liar(made)
    report = lie(honest(made, random), liar, [liar.lies[number]], random)

    world = await in_world(made, report, batch)

    assert world.findings == report.findings
    await must_come_out_even(world)


@given(seeds, st.lists(st.integers(0, 8), max_size=4), st.integers(1, 7))
@settings(max_examples=100, deadline=None)
async def test_many_lies_are_found_and_nothing_else(seed, numbers, batch):
    made, random = made_of(seed, 12)
    liar = Liar(made)
    report = lie(honest(made, random), liar, [liar.lies[n] for n in numbers], random)

    world = await in_world(made, report, batch)

    assert world.findings == report.findings
    await must_come_out_even(world)


def by_amount_only(self, row):
    """
    Planted: any movement of that amount will do.
    """
    return [each for each in self.movements if each.amount == row.gross]


def by_name_only(self, placed):
    """
    Planted: whatever names a transaction of ours is right.
    """
    for movement in self._candidates(placed.row):
        if movement.key not in self._taken:
            return self._pair(placed, domain_matching.Outcome.MATCHED, movement)
    return domain_matching.Match(placed, domain_matching.Outcome.MATCHED)


@pytest.mark.parametrize(
    ("method", "mistake"), [("_candidates", by_amount_only), ("_exactly", by_name_only)]
)
async def test_a_matcher_that_looks_at_half_of_it_is_caught(monkeypatch, method, mistake):
    monkeypatch.setattr(domain_matching.Matcher, method, mistake)
    caught = 0
    for seed in range(20):
        made, random = made_of(seed, lies=False)
        liar = Liar(made)
        report = lie(honest(made, random), liar, [random.choice(liar.lies)], random)
        try:
            world = await in_world(made, report)
            caught += world.findings != report.findings
        except (AssertionError, ValueError, AttributeError):
            caught += 1

    assert caught > 0


async def test_a_report_that_comes_twice_changes_nothing():
    made, random = made_of(1)
    report = honest(made, random)
    world = await in_world(made, report)
    before = world.books

    await world.reconcile(report.rows)

    assert world.books.booked == before.booked
    assert world.books.differences == before.differences


async def test_the_same_rows_in_another_report_are_duplicated():
    made, random = made_of(1, lies=False)
    report = honest(made, random)
    world = await in_world(made, report)
    booked = len(world.books.booked)

    await world.reconcile(report.rows, report_id="january, again")

    assert world.findings == Counter((DifferenceKind.DUPLICATED, row.row_id) for row in report.rows)
    await must_come_out_even(world)
    assert len(world.books.booked) == booked


async def test_a_report_is_matched_in_pieces_by_whoever_comes():
    made, random = made_of(2)
    report = honest(made, random)
    world = ReconciliationWorld(*made, batch=2)
    await world.take_in(report.rows)

    calls = 1
    while (await world.match(len(report.rows), batches=1)).state is not ReportState.RECONCILED:
        calls += 1

    assert calls > len(report.rows) // 2
    assert world.findings == report.findings


async def test_what_is_missing_there_closes_when_the_next_report_has_it():
    made, random = made_of(3, lies=False)
    *rows, late = honest(made, random, fees=0).rows
    world = ReconciliationWorld(*made)
    await world.reconcile(rows)
    (missing,) = world.open_differences
    assert missing.kind is DifferenceKind.MISSING_THERE

    await world.reconcile(
        [late], report_id="february", begins=EVENING, ends=EVENING + timedelta(hours=12)
    )

    assert world.open_differences == []
    assert world.books.differences[missing.id].state is DifferenceState.DISMISSED
    assert world.held(Account.PSP_CLEARING) == {}


async def test_what_was_written_off_and_turns_up_comes_out_of_suspense():
    made, random = made_of(3, lies=False)
    *rows, late = honest(made, random, fees=0).rows
    world = ReconciliationWorld(*made)
    await world.reconcile(rows)
    await world.correct_all()
    assert world.held(Account.SUSPENSE)

    await world.reconcile(
        [late], report_id="february", begins=EVENING, ends=EVENING + timedelta(hours=12)
    )
    (found,) = world.open_differences
    await world.correct_all()

    assert found.kind is DifferenceKind.MISSING_HERE
    assert world.held(Account.SUSPENSE) == world.held(Account.PSP_CLEARING) == {}


async def test_what_is_missing_here_closes_when_it_is_booked():
    made, random = made_of(4, lies=False)
    late, *others = made
    world = ReconciliationWorld(*others)
    await world.reconcile(honest(made, random).rows)
    assert {kind for kind, _ in world.findings} == {DifferenceKind.MISSING_HERE}

    world.make(late)
    await world.reconcile(
        [], report_id="february", begins=EVENING, ends=EVENING + timedelta(hours=12)
    )

    assert world.open_differences == []
    assert world.held(Account.PSP_CLEARING) == {}


@pytest.mark.parametrize(("before_end", "found"), [(11 * MINUTE, 1), (9 * MINUTE, 0)])
async def test_what_was_booked_at_the_very_end_may_be_in_the_next_report(before_end, found):
    made = make(Random(5), now=EVENING - before_end, lies=False)
    made.entries, made.rows = made.entries[:1], made.rows[:1]
    world = ReconciliationWorld(made)

    await world.reconcile([])
    assert len(world.open_differences) == found

    ends = EVENING + timedelta(hours=1)
    await world.reconcile([], report_id="next", begins=EVENING, ends=ends)
    assert len(world.open_differences) == 1


async def test_what_was_asked_for_before_any_report_began_may_be_in_none():
    made = make(Random(5), now=MORNING - MINUTE, lies=False)
    world = ReconciliationWorld(made)

    await world.reconcile([])

    assert world.open_differences == []


async def test_a_report_that_lacks_rows_is_refused():
    made, random = made_of(6)
    rows = honest(made, random).rows
    world = ReconciliationWorld(*made)
    await world.take_in(rows[1:])

    with pytest.raises(ReportIncomplete):
        await world.match(len(rows))

    await world.take_in(rows[:1], offset=len(rows) - 1)
    assert (await world.match(len(rows))).state is ReportState.RECONCILED


async def test_a_report_that_is_whole_gets_no_more_rows_and_no_other_time():
    made, random = made_of(6)
    rows = honest(made, random).rows
    world = ReconciliationWorld(*made)
    await world.reconcile(rows[1:])

    with pytest.raises(ReportComplete):
        await world.take_in(rows[:1], offset=len(rows) - 1)
    with pytest.raises(ReportMismatch):
        await world.match(len(rows) - 1, ends=EVENING + MINUTE)


@pytest.mark.parametrize(
    ("period", "field"),
    [
        ({"begins": MORNING, "ends": MORNING}, "to_time"),
        ({"begins": datetime(1, 1, 1, tzinfo=UTC), "ends": MORNING}, "from_time"),
    ],
)
async def test_a_report_of_no_time_is_refused(period, field):
    with pytest.raises(PeriodMalformed) as refusal:
        await ReconciliationWorld().match(0, **period)

    assert refusal.value.field == field


@pytest.mark.parametrize("report_id", ["", "x" * 201, "a\0b"])
async def test_a_report_without_a_name_is_refused(report_id):
    with pytest.raises(TextMalformed) as refusal:
        await ReconciliationWorld().match(0, report_id=report_id)

    assert refusal.value.field == "report_id"


async def test_what_is_open_can_be_watched():
    made, random = made_of(7, lies=False)
    liar = Liar(made)
    report = lie(honest(made, random), liar, [liar.leave_out, liar.invent], random)
    world = await in_world(made, report)

    await show_differences(world.uow)

    open_ = {kind: DIFFERENCES.labels(kind)._value.get() for kind in DifferenceKind}
    assert open_ == {
        DifferenceKind.MISSING_HERE: 1,
        DifferenceKind.MISSING_THERE: 1,
        DifferenceKind.WRONG_AMOUNT: 0,
        DifferenceKind.DUPLICATED: 0,
    }


async def test_a_reason_with_a_card_number_is_refused():
    made, random = made_of(7, lies=False)
    world = await in_world(made[1:], honest(made, random))

    with pytest.raises(CardNumberRefused):
        await world.resolve(world.open_differences[0], reason=f"of card {'42' * 8}")


async def test_a_difference_is_closed_once_in_one_way():
    made, random = made_of(7, lies=False)
    liar = Liar(made)
    report = lie(honest(made, random), liar, [liar.leave_out], random)
    world = await in_world(made, report)
    (difference,) = world.open_differences

    first = await world.resolve(difference, reason="it was a test")
    again = await world.resolve(difference, reason="again")

    assert first == again
    assert [e.cause_id for e in world.books.booked].count(difference.id) == 1
    with pytest.raises(DifferenceResolved):
        await world.resolve(difference, dismiss=True)


async def test_a_dismissed_difference_books_nothing():
    made, random = made_of(7, lies=False)
    liar = Liar(made)
    report = lie(honest(made, random), liar, [liar.leave_out], random)
    world = await in_world(made, report)
    booked = len(world.books.booked)

    (difference,) = world.open_differences
    resolved = await world.resolve(difference, dismiss=True)

    assert resolved.state is DifferenceState.DISMISSED
    assert len(world.books.booked) == booked
