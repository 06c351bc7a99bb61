from datetime import timedelta

import pytest

from chassis.kernel.money import Money
from services.payment.domain.values import NoAnswer, TransactionKind, TransactionState

EUR_100 = Money(100_00, "EUR")


class Crash(Exception):
    pass


async def crash():
    raise Crash


async def test_what_the_psp_left_unanswered_is_asked_again_under_the_same_key(world, payment_id):
    world.psp.answers = [NoAnswer()]
    await world.authorize(payment_id)
    world.now += timedelta(seconds=6)

    resolved = await world.resolve()

    assert resolved == 1
    assert world.payments[payment_id].settled(TransactionKind.AUTHORIZATION) == EUR_100
    assert list(world.psp.done.values()) == [("authorize", EUR_100)]


async def test_what_a_crash_left_requested_is_asked_for(world, payment_id):
    world.psp.before = crash
    with pytest.raises(Crash):
        await world.authorize(payment_id)
    world.now += timedelta(seconds=6)

    await world.resolve()

    assert world.payments[payment_id].settled(TransactionKind.AUTHORIZATION) == EUR_100


async def test_a_crash_after_the_psp_has_taken_the_money_takes_and_books_it_once(
    world, payment_id, capture_id
):
    await world.authorize(payment_id)
    world.psp.after = crash
    with pytest.raises(Crash):
        await world.capture(payment_id, capture_id, EUR_100)
    world.now += timedelta(seconds=6)

    await world.resolve()

    assert world.payments[payment_id].settled(TransactionKind.CAPTURE) == EUR_100
    assert list(world.psp.done.values()) == [("authorize", EUR_100), ("capture", EUR_100)]
    assert len(world.entries) == 1


async def test_a_caller_who_asks_again_after_a_crash_is_answered(world, payment_id):
    world.psp.before = crash
    with pytest.raises(Crash):
        await world.authorize(payment_id)

    answer = await world.authorize(payment_id)

    assert answer.settled(TransactionKind.AUTHORIZATION) == EUR_100


async def test_what_is_being_asked_just_now_is_left_to_its_caller(world, payment_id):
    world.psp.answers = [NoAnswer()]
    await world.authorize(payment_id)

    resolved = await world.resolve()

    assert resolved == 0


async def test_what_stays_unknown_stays_open(world, payment_id):
    world.psp.answers = [NoAnswer(), NoAnswer()]
    await world.authorize(payment_id)
    world.now += timedelta(seconds=6)

    await world.resolve()

    assert world.payments[payment_id].authorization.state is TransactionState.UNKNOWN


async def test_a_void_that_nobody_finished_is_finished(world, payment_id):
    world.psp.answers = [NoAnswer(), NoAnswer()]
    await world.authorize(payment_id)
    await world.void(payment_id)
    world.now += timedelta(seconds=6)

    await world.resolve()

    assert world.payments[payment_id].settled(TransactionKind.VOID) == EUR_100
