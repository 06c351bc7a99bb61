"""What the adapter makes of a PSP that misbehaves: everything happens once, and is found out."""

import asyncio
import logging
from datetime import timedelta

import pytest

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    TransactionId,
)
from tests.integration.payment.stripe.conftest import EUR_40, EUR_60, EUR_100, FAULTS

# Enough for a key that is spent and a PSP that is down twice.
MOST_ASKS = 5

# Each with the records' name for what is moved.
VERBS = ("authorize", "increment", "capture", "refund", "void")
DAY = timedelta(hours=24)


@pytest.fixture
async def journey(simulated, journey_at):
    return journey_at(simulated)


@pytest.fixture
def records(psp_server, journey):
    """
    Return what the PSP's own records say of the payment.
    """
    return lambda: psp_server.records(str(journey.payment_id))


@pytest.fixture
def asking(journey):
    """
    Return a way to ask for something of *verb* again and again, once what it needs is there.
    """

    async def prepare(verb):
        key = TransactionId(new_id())
        if verb == "authorize":
            return lambda **more: journey.authorize(EUR_100, key=key, **more)
        approved = await journey.authorize()
        if verb == "refund":
            await journey.capture(approved, EUR_100, last=True)
        ask, amount = getattr(journey, verb), EUR_100 if verb == "void" else EUR_40
        return lambda **more: ask(approved, amount, key=key, **more)

    return prepare


async def until_answered(ask, **more):
    """
    Ask until there is an answer; return what was answered before it, too.
    """
    answers = []
    while len(answers) < MOST_ASKS:
        answers.append(await ask(asked_before=bool(answers), **more))
        if answers[-1] != NoAnswer():
            return answers
    return answers


def moved_by(verb, records):
    return {
        "authorize": records["authorized"],
        "increment": records["authorized"] - 100_00,
        "capture": records["captured"],
        "refund": records["refunded"],
        "void": records["released"],
    }[verb]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_breaks_it_happens_once(asking, records, psp_server, verb, fault):
    ask = await asking(verb)
    await psp_server.fault(fault, "cancel" if verb == "void" else verb, next=1, ms=20)

    answer = (await until_answered(ask))[-1]

    assert isinstance(answer, Approved)
    assert moved_by(verb, await records()) == answer.moved.minor_units
    assert await ask(asked_before=True) == answer


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_waits_for_the_payer_is_declined_whatever_breaks(journey, psp_server, fault):
    key = TransactionId(new_id())
    await psp_server.fault(fault, "cancel", next=1, ms=20)

    answers = await until_answered(
        lambda **more: journey.authorize(card="tok_authenticationRequired", key=key, **more)
    )

    assert isinstance(answers[-1], Declined)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_slow_psp_keeps_nobody_longer_than_its_time(
    asking, records, psp_server, simulated, journey_at, verb
):
    ask = await asking(verb)
    impatient = journey_at(simulated, seconds=0.1)
    await psp_server.fault("slow", "cancel" if verb == "void" else verb, next=1, ms=600)

    assert await ask(via=impatient.psp) == NoAnswer()
    answer = (await until_answered(ask))[-1]

    assert isinstance(answer, Approved)
    assert moved_by(verb, await records()) == answer.moved.minor_units


@pytest.mark.parametrize("verb", VERBS)
async def test_a_hundred_at_once_with_one_key_are_one(asking, records, verb):
    ask = await asking(verb)

    await asyncio.gather(*(ask() for _ in range(100)))
    answer = (await until_answered(ask))[-1]

    assert isinstance(answer, Approved)
    assert moved_by(verb, await records()) == answer.moved.minor_units


@pytest.mark.parametrize("verb", VERBS)
async def test_what_is_a_day_old_is_found_without_its_key(asking, records, verb):
    ask = await asking(verb)
    done = await ask()

    found = await ask(asked_before=True, age=DAY)

    assert isinstance(found, Approved)
    assert found.reference == done.reference
    assert moved_by(verb, await records()) == done.moved.minor_units


@pytest.mark.parametrize(
    ("card", "answers"),
    [
        ("tok_visa", [Approved]),
        ("tok_chargeDeclined", [Declined("card_declined")]),
        ("tok_insufficientFunds", [Declined("insufficient_funds")]),
        ("tok_timeoutAfterSuccess", [NoAnswer(), Approved]),
        ("tok_down", [NoAnswer(), NoAnswer(), Approved]),
        ("tok_authenticationRequired", [Declined("authentication_required")]),
        ("tok_nobody_knows", [Declined("invalid_token")]),
    ],
)
async def test_a_card_behaves_as_its_token_says(journey, card, answers):
    key = TransactionId(new_id())

    given = await until_answered(lambda **more: journey.authorize(card=card, key=key, **more))

    assert [Approved if isinstance(each, Approved) else each for each in given] == answers


async def test_what_waits_for_the_payer_is_cancelled(journey, psp_server):
    await journey.authorize(card="tok_authenticationRequired")

    (intent,) = [
        each
        for each in (await psp_server.stripe.v1.payment_intents.list_async({"limit": 100})).data
        if each.metadata.to_dict().get("payment_id") == str(journey.payment_id)
    ]
    assert intent.status == "canceled"


async def test_an_authorization_of_the_wrong_amount_says_so(journey, psp_server):
    await psp_server.fault("wrong_amount", "authorize", next=1, steps=-1)

    assert (await journey.authorize()).moved == Money(99_99, "EUR")


async def test_a_capture_of_the_wrong_amount_is_in_the_sum(journey, psp_server):
    approved = await journey.authorize()
    await psp_server.fault("wrong_amount", "capture", next=1, steps=-1)
    first = await journey.capture(approved, EUR_60)
    second = await journey.capture(approved, EUR_40)

    assert (first.total, second.total) == (Money(59_99, "EUR"), Money(99_99, "EUR"))


async def test_a_refund_of_the_wrong_amount_says_so(journey, psp_server):
    approved = await journey.authorize()
    await journey.capture(approved, EUR_100)
    await psp_server.fault("wrong_amount", "refund", next=1)

    assert (await journey.refund(approved, EUR_40)).moved == Money(39_99, "EUR")


async def test_a_refund_on_its_way_has_no_answer_until_it_has_arrived(journey, psp_server):
    approved = await journey.authorize()
    await journey.capture(approved, EUR_100)
    await psp_server.fault("refund_pending", "refund", next=1, ms=100)
    key = TransactionId(new_id())

    assert await journey.refund(approved, EUR_40, key=key) == NoAnswer()
    async with asyncio.timeout(15):
        while (answer := await journey.refund(approved, EUR_40, key=key)) == NoAnswer():
            await asyncio.sleep(0.02)
    assert answer.moved == EUR_40


async def test_a_capture_asked_again_as_the_last_is_still_one(journey, records):
    approved = await journey.authorize()
    key = TransactionId(new_id())

    first = await journey.capture(approved, EUR_100, key=key, last=False)
    again = await journey.capture(approved, EUR_100, key=key, last=True)

    assert first == again
    assert (await records())["captured"] == 100_00


async def test_a_card_that_can_be_captured_once_is_captured_once(simulated, journey, journey_at):
    approved = await journey_at(simulated.without_multicapture()).authorize()
    key = TransactionId(new_id())

    captured = [await journey.capture(approved, EUR_60, key=key) for _ in range(2)]
    more = await journey.capture(approved, EUR_40)

    assert [answer.total for answer in captured] == [EUR_60, EUR_60]
    assert more == Declined("payment_intent_unexpected_state")


async def test_what_was_cancelled_is_not_captured(journey):
    approved = await journey.authorize()
    await journey.void(approved, EUR_100)

    assert await journey.capture(approved, EUR_100) == Declined("payment_intent_unexpected_state")


async def test_no_more_is_paid_back_than_was_taken(journey, records):
    approved = await journey.authorize()
    await journey.capture(approved, EUR_60)

    assert isinstance(await journey.refund(approved, EUR_100), Declined)
    assert (await records())["refunded"] == 0


async def test_what_no_card_can_be_charged_with_is_not_asked_for(journey, records):
    assert await journey.authorize(Money(1_234, "KWD")) == Declined("amount_not_movable")
    assert await records() is None


async def test_a_psp_that_is_away_is_no_error(simulated, journey_at, free_address):
    gone = journey_at(simulated.at(f"http://{free_address}"))

    assert await gone.authorize() == NoAnswer()


async def test_a_wrong_key_of_ours_declines_no_payment(simulated, journey_at):
    stranger = journey_at(simulated.with_key("sk_test_of_somebody_else"))

    assert await stranger.authorize() == NoAnswer()


@pytest.mark.parametrize("verb", VERBS)
async def test_many_at_once_whose_key_is_spent_take_the_same_next_one(
    asking, records, psp_server, verb
):
    ask = await asking(verb)
    await psp_server.fault("error_without_effect", "cancel" if verb == "void" else verb, next=1)

    await asyncio.gather(*(ask() for _ in range(20)))
    answer = (await until_answered(ask))[-1]

    assert isinstance(answer, Approved)
    assert moved_by(verb, await records()) == answer.moved.minor_units


async def test_an_authorization_is_found_among_many(journey, asking, records, psp_server):
    ask = await asking("authorize")
    await psp_server.fault("error_after_success", "authorize", next=1)
    assert await ask() == NoAnswer()
    await journey.psp.authorize(journey.requests(120))

    answer = await ask(asked_before=True)

    assert isinstance(answer, Approved)
    assert (await records())["authorizations"] == 1


async def test_a_slow_request_keeps_nobody_elses_answer_back(simulated, journey_at, psp_server):
    impatient = journey_at(simulated, seconds=0.5)
    await psp_server.fault("slow", "authorize", next=1, ms=1_000)

    requests = impatient.requests(6)

    first = (await impatient.psp.authorize(requests)).values()

    assert sorted(type(answer).__name__ for answer in first) == ["Approved"] * 5 + ["NoAnswer"]
    async with asyncio.timeout(15):
        while NoAnswer() in (await impatient.psp.authorize(requests)).values():
            await asyncio.sleep(0.1)


async def test_a_batch_may_be_larger_than_the_connections_there_are(journey):
    answers = await journey.psp.authorize(journey.requests(100))

    assert [type(answer) for answer in answers.values()] == [Approved] * 100


async def test_what_is_logged_holds_no_secret_and_no_token(journey, psp_server, caplog):
    caplog.set_level(logging.DEBUG)
    await psp_server.fault("error_without_effect", "authorize", next=1)
    key = TransactionId(new_id())

    for _ in range(2):
        await journey.authorize(card="tok_chargeDeclined", key=key)

    assert "without effect" in caplog.text
    for secret in (psp_server.api_key, "tok_chargeDeclined", str(journey.payment_id)):
        assert secret not in caplog.text
