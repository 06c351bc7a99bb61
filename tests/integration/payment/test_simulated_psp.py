import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.storage.database import connect
from services.payment.adapters.simulated_psp import SimulatedPsp
from services.payment.application.ports import AuthorizationRequest, FollowUpRequest
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    PaymentId,
    PspReference,
    TransactionId,
)

EUR_100, EUR_60 = Money(100_00, "EUR"), Money(60_00, "EUR")
KEY = TransactionId(UUID(int=1))


def authorization(token="tok_visa", *, key=KEY, amount=EUR_100):
    return AuthorizationRequest(
        key=key, payment_id=PaymentId(UUID(int=2)), amount=amount, token=PspToken(token)
    )


def follow_up(approved, *, amount=EUR_60, key=None):
    return FollowUpRequest(
        key=key or TransactionId(new_id()), authorization=approved.reference, amount=amount
    )


async def answer_to(ask, request):
    return (await ask([request]))[request.key]


@pytest.fixture
async def approved(psp):
    return await answer_to(psp.authorize, authorization())


@pytest.mark.parametrize(
    ("token", "answers"),
    [
        ("tok_visa", [Approved, Approved, Approved]),
        ("tok_chargeDeclined", [Declined("card_declined")] * 3),
        ("tok_insufficientFunds", [Declined("insufficient_funds")] * 3),
        ("tok_timeoutAfterSuccess", [NoAnswer(), Approved, Approved]),
        ("tok_down", [NoAnswer(), NoAnswer(), Approved]),
        ("tok_nobody_knows", [Declined("invalid_token")] * 3),
    ],
)
async def test_it_answers_as_the_token_says(psp, token, answers):
    given = [await answer_to(psp.authorize, authorization(token)) for _ in range(3)]

    assert [Approved if isinstance(each, Approved) else each for each in given] == answers


@pytest.mark.parametrize("token", ["tok_visa", "tok_timeoutAfterSuccess", "tok_down"])
async def test_it_sets_money_aside_once_a_key(psp, payments, token):
    await asyncio.gather(*(psp.authorize([authorization(token)]) for _ in range(8)))

    assert len(await payments.rows(text("SELECT 1 FROM psp.charges"))) == 1


async def test_one_that_times_out_has_set_the_money_aside(psp, payments):
    await psp.authorize([authorization("tok_timeoutAfterSuccess")])

    assert len(await payments.rows(text("SELECT 1 FROM psp.charges"))) == 1


async def test_one_that_is_down_has_not(psp, payments):
    await psp.authorize([authorization("tok_down")])

    assert await payments.rows(text("SELECT 1 FROM psp.charges")) == []


async def test_a_key_is_for_one_request(psp):
    await psp.authorize([authorization()])

    answer = await answer_to(psp.authorize, authorization(amount=EUR_60))

    assert answer == Declined("idempotency_key_reused")


async def test_it_takes_no_more_than_it_has_set_aside(psp, approved):
    first, second = follow_up(approved), follow_up(approved)

    answers = await psp.capture([first, second])

    assert isinstance(answers[first.key], Approved)
    assert answers[second.key] == Declined("amount_too_large")


async def test_captures_at_once_take_no_more_either(psp, approved, payments):
    await asyncio.gather(*(psp.capture([follow_up(approved)]) for _ in range(8)))

    (charge,) = await payments.rows(text("SELECT captured FROM psp.charges"))
    assert charge.captured == EUR_60.minor_units


async def test_it_captures_once_a_key(psp, approved, payments):
    request = follow_up(approved, amount=Money(10_00, "EUR"))

    answers = [await answer_to(psp.capture, request) for _ in range(3)]

    (charge,) = await payments.rows(text("SELECT captured FROM psp.charges"))
    assert all(isinstance(answer, Approved) for answer in answers)
    assert charge.captured == 10_00


async def test_what_was_given_back_cannot_be_taken(psp, approved):
    await answer_to(psp.void, follow_up(approved, amount=EUR_100))

    answer = await answer_to(psp.capture, follow_up(approved))

    assert answer == Declined("amount_too_large")


async def test_it_takes_nothing_from_a_charge_that_it_does_not_know(psp):
    answer = await answer_to(psp.capture, follow_up(Approved(PspReference("ch_none"))))

    assert answer == Declined("no_such_charge")


async def test_a_psp_that_cannot_be_reached_gives_no_answer():
    nowhere = connect("postgresql+asyncpg://nobody@127.0.0.1:1/none", application="psp-tests")
    psp = SimulatedPsp(nowhere, seconds=1)

    answer = await answer_to(psp.authorize, authorization())

    await nowhere.close()
    assert answer == NoAnswer()


async def test_an_answer_is_waited_for_no_longer_than_agreed(approved, payments, migrated):
    hurried = connect((await migrated("payment")).app, application="psp-tests")
    async with payments.database.begin() as tx:
        await tx.rows(text("SELECT 1 FROM psp.charges FOR UPDATE"))

        answer = await answer_to(SimulatedPsp(hurried, seconds=0.2).capture, follow_up(approved))

    await hurried.close()
    assert answer == NoAnswer()
