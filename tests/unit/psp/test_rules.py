"""What can be asked of the PSP, and what not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.psp.case import Flaws
from deploy.psp.currencies import capture_fee, dispute_fee, minor_units, step_of
from deploy.psp.refusals import Refusal
from deploy.psp.verbs.cancel import Cancel, Expire, cancel, expire
from deploy.psp.verbs.disputes import CloseDispute, OpenDispute, close_dispute, dispute
from deploy.psp.verbs.refunds import EndRefund, end_refund
from tests.unit.psp.conftest import World


@pytest.mark.parametrize(
    ("captured", "fee"), [(1, 25), (35, 25), (36, 26), (100_00, 165), (99_999_999, 1_400_025)]
)
def test_a_capture_costs_a_share_and_a_fixed_part(captured, fee):
    assert capture_fee(captured, "EUR") == fee


@pytest.mark.parametrize(("currency", "fee"), [("JPY", 165), ("KWD", 165), ("ISK", 2_00)])
def test_what_is_kept_of_a_capture_can_be_counted(currency, fee):
    assert capture_fee(100_00, currency) == fee


@pytest.mark.parametrize(
    ("currency", "counted"), [("EUR", 1_00), ("JPY", 1_00), ("ISK", 1), ("MGA", 100_00)]
)
def test_reports_count_as_iso_does(currency, counted):
    assert minor_units(1_00, currency) == counted


@pytest.mark.parametrize(("currency", "fee"), [("EUR", 15_00), ("JPY", 15), ("KWD", 15_000)])
def test_a_dispute_costs_15_in_every_currency(currency, fee):
    assert dispute_fee(currency) == fee


@pytest.mark.parametrize(("currency", "step"), [("EUR", 1), ("JPY", 1), ("KWD", 10), ("ISK", 100)])
def test_not_every_unit_can_be_moved(currency, step):
    assert step_of(currency) == step


def test_a_capture_of_nothing_only_gives_up_the_rest(world, refused):
    payment = world.authorize()
    assert refused(world.capture, payment, 0) == "amount_too_small"
    world.capture(payment, 30_00, final=False)
    assert refused(world.capture, payment, 0, final=False) == "amount_too_small"

    world.capture(payment, 0)

    assert (payment.status, payment.captured, payment.released) == ("succeeded", 30_00, 70_00)
    assert world.operations[-1] == ("release", 70_00, 70_00)


def test_capturing_the_last_of_it_ends_it_though_it_was_not_called_final(world):
    payment = world.authorize()

    world.capture(payment, 100_00, final=False)

    assert payment.status == "succeeded"
    assert world.told[-2:] == ["charge.captured", "payment_intent.succeeded"]


def test_a_payment_is_captured_fifty_times_at_most(world, refused):
    payment = world.authorize()
    for _ in range(50):
        world.capture(payment, 1, final=False)

    assert refused(world.capture, payment, 1, final=False) is None


def test_a_refusal_changes_nothing(world, refused):
    payment = world.authorize()
    before = dict(world.books.changed)

    refused(world.capture, payment, 100_01)
    refused(world.refund, payment)
    refused(dispute, OpenDispute(payment=payment.id), world.case())

    assert world.books.changed == before


def test_what_is_somebody_elses_is_not_there(world, refused):
    payment = world.authorize()

    assert refused(cancel, Cancel(payment=payment.id), world.case(account="second")) == (
        "resource_missing"
    )


def test_what_is_over_does_not_expire(world):
    payment = world.authorize()
    world.capture(payment)
    told = len(world.told)

    expire(Expire(payment=payment.id), world.case())

    assert payment.status == "succeeded"
    assert len(world.told) == told


def test_a_refund_fails_once(world):
    payment = world.authorize()
    world.capture(payment)
    refund = world.refund(payment, 40_00)
    balance = world.balance

    for _ in range(2):
        end_refund(EndRefund(refund=refund.id, status="failed"), world.case())

    assert (refund.status, payment.refunded) == ("failed", 0)
    assert world.balance == balance + 40_00


def test_a_dispute_that_is_won_costs_its_fee_alone(world):
    payment = world.authorize()
    world.capture(payment)
    before = world.balance

    opened = dispute(OpenDispute(payment=payment.id), world.case())
    assert world.balance == before - 100_00 - 15_00
    close_dispute(CloseDispute(dispute=opened.id, won=True), world.case())
    close_dispute(CloseDispute(dispute=opened.id, won=False), world.case())

    assert (opened.status, payment.disputed) == ("won", 0)
    assert world.balance == before - 15_00


def test_no_more_is_disputed_than_was_captured_and_not_given_back(world, refused):
    payment = world.authorize()
    world.capture(payment)
    world.refund(payment, 60_00)

    assert refused(dispute, OpenDispute(payment=payment.id, amount=40_01), world.case()) == "amount"
    assert dispute(OpenDispute(payment=payment.id), world.case()).amount == 40_00


ACTIONS = st.sampled_from(
    ["capture", "last capture", "cancel", "expire", "refund", "dispute", "win", "lose", "fail"]
)
STEPS = st.lists(st.tuples(ACTIONS, st.integers(0, 120), st.sampled_from([0, -1, 1])), max_size=20)


@given(steps=STEPS)
def test_after_whatever_is_asked_the_books_add_up(steps):
    world = World()
    payment = world.authorize(100)
    refunds, disputes = [], []
    for action, amount, wrong in steps:
        flaws = Flaws(steps=wrong)
        try:
            match action:
                case "capture":
                    world.capture(payment, amount, final=False, flaws=flaws)
                case "last capture":
                    world.capture(payment, amount, flaws=flaws)
                case "cancel":
                    cancel(Cancel(payment=payment.id), world.case())
                case "expire":
                    expire(Expire(payment=payment.id), world.case())
                case "refund" if amount:
                    refunds.append(world.refund(payment, amount, flaws=flaws))
                case "dispute" if amount:
                    command = OpenDispute(payment=payment.id, amount=amount)
                    disputes.append(dispute(command, world.case()))
                case "win" | "lose" if disputes:
                    command = CloseDispute(dispute=disputes.pop().id, won=action == "win")
                    close_dispute(command, world.case())
                case "fail" if refunds:
                    command = EndRefund(refund=refunds.pop().id, status="failed")
                    end_refund(command, world.case())
        except Refusal:
            pass

    must_add_up(world, payment)


@pytest.mark.parametrize("column", ["captured", "released", "refunded", "disputed"])
def test_a_column_that_is_wrong_by_one_does_not_add_up(column):
    world = World()
    payment = world.authorize(100)
    world.capture(payment, 60)
    world.refund(payment, 10)
    dispute(OpenDispute(payment=payment.id, amount=10), world.case())
    must_add_up(world, payment)

    setattr(payment, column, getattr(payment, column) + 1)

    with pytest.raises(AssertionError):
        must_add_up(world, payment)


def must_add_up(world, payment):
    assert payment.captured + payment.released + payment.capturable == payment.amount
    assert 0 <= payment.refunded + payment.disputed <= payment.captured
    taken = sum(moved for kind, _, moved in world.operations if kind == "capture")
    assert taken == payment.captured
    fees = sum(
        movement.fee for movement in world.books.changed.values() if hasattr(movement, "fee")
    )
    assert world.balance == payment.captured - payment.refunded - payment.disputed - fees
