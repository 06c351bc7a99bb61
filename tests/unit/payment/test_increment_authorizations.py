from uuid import UUID

import pytest

from chassis.kernel.money import CurrencyMismatch, Money
from services.payment.application.conversation import IncrementDeclined, PspOutcomeUnknown
from services.payment.domain import events
from services.payment.domain.payment_requests import (
    IncrementMismatch,
    IncrementUnderWay,
    PaymentNotAuthorized,
    PaymentVoided,
)
from services.payment.domain.values import Declined, IncrementId, NoAnswer, TransactionKind

EUR_20, EUR_5 = Money(20_00, "EUR"), Money(5_00, "EUR")
OTHER = IncrementId(UUID(int=302))


async def test_more_is_set_aside(world, payment_id, increment_id, capture_id):
    await world.authorize(payment_id)

    answer = await world.increment(payment_id, increment_id, EUR_20)

    assert answer.settled(TransactionKind.AUTHORIZATION) == Money(120_00, "EUR")
    assert world.events[-1] == events.AuthorizationIncremented(
        payment_id=payment_id,
        increment_id=increment_id,
        amount=EUR_20,
        total_authorized=Money(120_00, "EUR"),
    )
    whole = await world.capture(payment_id, capture_id, Money(120_00, "EUR"))
    assert not whole.remaining.minor_units


async def test_the_psp_is_told_the_new_total(world, payment_id, increment_id):
    await world.authorize(payment_id)
    await world.increment(payment_id, increment_id, EUR_20)

    await world.increment(payment_id, OTHER, EUR_5)

    assert [request.total.minor_units for request in world.psp.requests[1:]] == [120_00, 125_00]


async def test_asking_again_adds_nothing_more(world, payment_id, increment_id):
    await world.authorize(payment_id)
    await world.increment(payment_id, increment_id, EUR_20)

    answer = await world.increment(payment_id, increment_id, EUR_20)

    assert answer.settled(TransactionKind.AUTHORIZATION) == Money(120_00, "EUR")


async def test_another_amount_under_the_same_id_is_refused(world, payment_id, increment_id):
    await world.authorize(payment_id)
    await world.increment(payment_id, increment_id, EUR_20)

    answer = await world.increment(payment_id, increment_id, EUR_5)

    assert isinstance(answer, IncrementMismatch)


async def test_one_waits_for_the_answer_to_another(world, payment_id, increment_id):
    await world.authorize(payment_id)
    world.psp.answers = [NoAnswer()]
    unknown = await world.increment(payment_id, increment_id, EUR_20)

    answer = await world.increment(payment_id, OTHER, EUR_5)

    assert isinstance(unknown, PspOutcomeUnknown)
    assert isinstance(answer, IncrementUnderWay)


async def test_one_that_the_psp_declines_leaves_the_payment_as_it_was(
    world, payment_id, increment_id
):
    await world.authorize(payment_id)
    world.psp.answers = [Declined("card_declined")]

    answer = await world.increment(payment_id, increment_id, EUR_20)

    assert isinstance(answer, IncrementDeclined)
    payment = world.payments[payment_id]
    assert payment.settled(TransactionKind.AUTHORIZATION) == Money(100_00, "EUR")
    assert not payment.open_transactions


async def test_nothing_can_be_added_to_nothing(world, payment_id, increment_id):
    answer = await world.increment(payment_id, increment_id, EUR_20)

    assert isinstance(answer, PaymentNotAuthorized)


async def test_nothing_can_be_added_after_a_void(world, payment_id, increment_id):
    await world.authorize(payment_id)
    await world.void(payment_id)

    answer = await world.increment(payment_id, increment_id, EUR_20)

    assert isinstance(answer, PaymentVoided)


@pytest.mark.parametrize("currency", ["GBP", "JPY"])
async def test_it_stays_in_its_currency(world, payment_id, increment_id, currency):
    await world.authorize(payment_id)

    answer = await world.increment(payment_id, increment_id, Money(1, currency))

    assert isinstance(answer, CurrencyMismatch)


async def test_what_was_added_goes_back_too(world, payment_id, increment_id):
    await world.authorize(payment_id)
    await world.increment(payment_id, increment_id, EUR_20)

    answer = await world.void(payment_id)

    assert answer.settled(TransactionKind.VOID) == Money(120_00, "EUR")
