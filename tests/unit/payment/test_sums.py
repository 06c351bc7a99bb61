"""A PSP that tells sums: of all captures, of all that is set aside. Each takes its turn."""

from uuid import UUID

import pytest

from chassis.kernel.money import Money
from services.payment.application.capture_payments import CapturePayment, capture_payments
from services.payment.application.conversation import PspOutcomeUnknown
from services.payment.domain.ledger import Account
from services.payment.domain.values import (
    NOTHING_MOVED,
    Approved,
    CaptureId,
    NoAnswer,
    PspReference,
    TransactionKind,
    TransactionState,
)

EUR_60, EUR_40 = Money(60_00, "EUR"), Money(40_00, "EUR")
EUR_30, NO_EUROS = Money(30_00, "EUR"), Money(0, "EUR")
FIRST, SECOND = CaptureId(UUID(int=101)), CaptureId(UUID(int=102))
CHARGE = PspReference("ch_1")


def told(sum_of_all, asked=EUR_60):
    return Approved(CHARGE, asked, total=Money(sum_of_all, "EUR"))


@pytest.fixture
async def authorized(world, payment_id):
    await world.authorize(payment_id)
    return payment_id


@pytest.mark.parametrize("told_first", [59_99, 60_00, 60_01])
async def test_what_a_capture_moved_is_what_the_sum_has_grown_by(world, authorized, told_first):
    world.psp.answers = [told(told_first)]
    await world.capture(authorized, FIRST, EUR_60)
    world.psp.answers = [told(told_first + 29_98, EUR_30)]
    payment = await world.capture(authorized, SECOND, EUR_30)

    captures = [
        done.moved.minor_units
        for done in payment.transactions.values()
        if done.kind is TransactionKind.CAPTURE
    ]
    assert captures == [told_first, 29_98]
    assert world.balances()[Account.PSP_CLEARING] == told_first + 29_98


async def test_captures_asked_for_together_are_asked_of_the_psp_one_after_another(
    world, authorized
):
    commands = [
        CapturePayment(capture_id=id_, payment_id=authorized, amount=EUR_40, shipping=NO_EUROS)
        for id_ in (FIRST, SECOND)
    ]
    world.psp.answers = [told(39_99), told(79_99)]

    await capture_payments(commands, uow=world.uow, psp=world.psp, clock=world.clock)

    assert world.psp.asks[-2:] == [("capture", 1), ("capture", 1)]
    assert world.payments[authorized].settled(TransactionKind.CAPTURE) == Money(79_99, "EUR")


async def test_a_capture_waits_for_one_that_nobody_knows_of(world, authorized):
    world.psp.answers = [NoAnswer()]
    await world.capture(authorized, FIRST, EUR_60)
    world.psp.answers = [NoAnswer()]
    second = await world.capture(authorized, SECOND, EUR_40)
    asked = {request.key for request in world.psp.requests[1:]}
    world.psp.answers = [told(60_00), told(100_00)]
    payment = await world.capture(authorized, SECOND, EUR_40)

    assert second == PspOutcomeUnknown(authorized)
    assert len(asked) == 1
    assert payment.settled(TransactionKind.CAPTURE) == Money(100_00, "EUR")


async def test_captures_take_turns_in_the_order_of_the_asking_though_clocks_differ(
    world, authorized
):
    world.psp.answers = [NoAnswer()]
    await world.capture(authorized, FIRST, EUR_60)
    first = world.psp.requests[-1].key
    world.now = world.now.replace(hour=11)
    world.psp.answers = [NoAnswer()]
    await world.capture(authorized, SECOND, EUR_40)

    assert world.psp.requests[-1].key == first


async def test_a_capture_that_has_moved_nothing_has_failed(world, authorized):
    world.psp.answers = [told(60_00)]
    await world.capture(authorized, FIRST, EUR_60)
    world.psp.answers = [told(60_00, EUR_40)]
    await world.capture(authorized, SECOND, EUR_40)

    payment = world.payments[authorized]
    failed = [each for each in payment.transactions.values() if each.failure]
    assert [each.failure for each in failed] == [NOTHING_MOVED]
    assert [each.state for each in failed] == [TransactionState.FAILED]
    assert payment.remaining == EUR_40


async def test_an_increment_moved_what_all_that_is_set_aside_has_grown_by(
    world, authorized, increment_id
):
    world.psp.answers = [told(139_99, EUR_40)]
    payment = await world.increment(authorized, increment_id, EUR_40)

    assert payment.settled(TransactionKind.AUTHORIZATION) == Money(139_99, "EUR")
