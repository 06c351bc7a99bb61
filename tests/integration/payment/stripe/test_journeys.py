"""
What the adapter does with a peer that behaves: the simulated PSP, and localstripe, which nobody
here wrote.

What localstripe does not do as Stripe does is left to the tests with the simulated PSP alone:
it ignores idempotency keys; it captures what was cancelled; it refunds more than was captured; it
declines no card that comes as a payment method; it knows no tokens, no multicapture, no
increments, no disputes; and of captures, cancellations and refunds it sends no webhooks.
"""

import pytest

from chassis.kernel.money import Money
from services.payment.domain.values import Approved, Declined
from tests.integration.payment.stripe.conftest import EUR_40, EUR_60, EUR_100

PEERS = ["localstripe", "simulated"]


@pytest.fixture(params=PEERS)
def peer(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
async def journey(peer, journey_at):
    return journey_at(peer)


async def test_money_is_set_aside_and_taken(journey):
    approved = await journey.authorize()
    captured = await journey.capture(approved, EUR_100, last=True)

    assert approved.moved == EUR_100
    assert isinstance(captured, Approved)
    assert captured.moved == EUR_100


async def test_less_than_was_set_aside_is_taken(journey):
    approved = await journey.authorize()
    captured = await journey.capture(approved, EUR_60, last=True)

    assert isinstance(captured, Approved)
    assert captured.moved == EUR_60


async def test_what_was_set_aside_is_given_back(journey):
    approved = await journey.authorize()

    voided = await journey.void(approved, EUR_100)
    again = await journey.void(approved, EUR_100)

    assert isinstance(voided, Approved)
    assert isinstance(again, Approved)


async def test_the_rest_is_given_back_once_some_was_taken(journey):
    approved = await journey.authorize()
    await journey.capture(approved, EUR_60)

    voided = await journey.void(approved, EUR_40)

    assert isinstance(voided, Approved)
    assert voided.moved == EUR_40


async def test_what_was_taken_is_paid_back_in_parts(journey):
    approved = await journey.authorize()
    await journey.capture(approved, EUR_100, last=True)

    first = await journey.refund(approved, EUR_60)
    second = await journey.refund(approved, EUR_40)

    assert (first.moved, second.moved) == (EUR_60, EUR_40)
    assert first.reference != second.reference


async def test_amounts_without_decimals_arrive_as_they_are(journey):
    approved = await journey.authorize(Money(5_000, "JPY"))

    assert approved.moved == Money(5_000, "JPY")


async def test_an_unknown_card_is_declined(journey):
    assert isinstance(await journey.authorize(card="pm_of_nobody"), Declined)
