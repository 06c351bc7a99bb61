"""How a merchant hears of what has happened."""

import asyncio
import json

import pytest
from stripe import SignatureVerificationError, Webhook

from deploy.local.ports import HOST, Ports
from tests.integration.psp.conftest import receiver_at

SECRET = "whsec_main"
TOLD = ["payment_intent.succeeded", "payment_intent.canceled", "refund.created"]


def target(*urls, events=TOLD):
    return json.dumps({"main": {"urls": urls, "secret": SECRET, "events": events}})


@pytest.fixture(scope="module")
async def listened_to(start_psp):
    """
    A PSP that all tests here share, and who listens to it.
    """
    async with receiver_at(f"{HOST}:{Ports({}).take()}") as receiver:
        yield await start_psp(PSP_WEBHOOKS=target(receiver.url)), receiver


@pytest.fixture
async def psp(listened_to):
    psp, _ = listened_to
    await psp.behave()
    return psp


@pytest.fixture
async def receiver(listened_to):
    _, receiver = listened_to
    receiver.received.clear()
    return receiver


@pytest.fixture
async def captures(psp, authorization):
    """
    Capture so many payments one after another; return their ids: `await captures(3)`.
    """
    intents = psp.stripe.v1.payment_intents

    async def capture(count):
        made = [await intents.create_async(authorization()) for _ in range(count)]
        return [(await intents.capture_async(each.id)).id for each in made]

    return capture


def events_of(receiver):
    return [json.loads(body) for body, _ in receiver.received]


def payments_of(receiver):
    return [event["data"]["object"]["id"] for event in events_of(receiver)]


async def test_an_event_is_signed_and_says_what_has_happened(captures, receiver):
    (payment,) = await captures(1)
    await receiver.until(lambda: receiver.received)

    body, header = receiver.received[0]
    event = Webhook.construct_event(body, header, SECRET)
    assert (event.type, event.data.object.id) == ("payment_intent.succeeded", payment)
    with pytest.raises(SignatureVerificationError):
        Webhook.construct_event(body, header, "whsec_another")


async def test_only_what_was_subscribed_to_is_told(captures, receiver):
    payments = await captures(3)
    await receiver.until(lambda: len(receiver.received) >= 3)

    assert sorted(payments_of(receiver)) == sorted(payments)


async def test_what_is_not_taken_is_sent_again(captures, receiver):
    receiver.refuse = 2

    (payment,) = await captures(1)

    await receiver.until(lambda: len(receiver.received) == 3)
    assert len({event["id"] for event in events_of(receiver)}) == 1
    assert payments_of(receiver) == [payment] * 3


async def test_replicas_take_turns_and_one_that_does_not_answer_is_passed_over(
    start_psp, receiver, authorization, free_address
):
    nobody = "http://127.0.0.1:1/webhooks/main"
    async with receiver_at(free_address) as second:
        psp = await start_psp(PSP_WEBHOOKS=target(nobody, receiver.url, second.url))
        intents = psp.stripe.v1.payment_intents
        made = [(await intents.create_async(authorization())).id for _ in range(30)]

        await asyncio.gather(*map(intents.cancel_async, made))

        def heard():
            return payments_of(receiver) + payments_of(second)

        async with asyncio.timeout(15):
            while len(heard()) < len(made):
                await asyncio.sleep(0.02)
        assert sorted(heard()) == sorted(made)
        assert min(len(receiver.received), len(second.received)) > 0


async def test_no_event_is_lost_when_the_psp_or_its_listener_dies(
    start_psp, free_address, authorization
):
    url = f"http://{free_address}/webhooks/main"
    psp = await start_psp(PSP_WEBHOOKS=target(url))
    intents = psp.stripe.v1.payment_intents
    made = await intents.create_async(authorization())
    await intents.cancel_async(made.id)
    await psp.kill()

    async with receiver_at(free_address) as receiver:
        await psp.start()
        await receiver.until(lambda: made.id in payments_of(receiver))


async def test_duplicated_comes_twice(psp, captures, receiver):
    await psp.fault("duplicated", "webhook", next=1)

    await captures(1)

    await receiver.until(lambda: len(receiver.received) == 2)
    first, second = events_of(receiver)
    assert first == second


async def test_reordered_is_overtaken(psp, captures, receiver):
    await psp.fault("reordered", "webhook", next=1, ms=500)

    first, second = await captures(2)

    await receiver.until(lambda: len(receiver.received) == 2)
    assert payments_of(receiver) == [second, first]


async def test_lost_never_comes(psp, captures, receiver):
    await psp.fault("lost", "webhook", next=1)

    first, second = await captures(2)

    await receiver.until(lambda: receiver.received)
    assert payments_of(receiver) == [second]
    known = await psp.stripe.v1.events.list_async({"type": "payment_intent.succeeded", "limit": 2})
    assert {each.data.object.id for each in known.data} == {first, second}


@pytest.mark.parametrize("kind", ["forged", "stale"])
async def test_what_is_not_from_the_psp_or_too_old_is_told_by_its_signature(
    psp, captures, receiver, kind
):
    await psp.fault(kind, "webhook", next=1)

    await captures(1)
    await receiver.until(lambda: len(receiver.received) == 2)

    right, wrong = receiver.received
    assert Webhook.construct_event(*right, SECRET)
    with pytest.raises(SignatureVerificationError):
        Webhook.construct_event(*wrong, SECRET)
    assert json.loads(right[0])["id"] != json.loads(wrong[0])["id"]


async def test_disputes_and_refunds_that_fail_are_told(start_psp, receiver, authorization):
    kinds = ["charge.dispute.created", "charge.dispute.closed", "refund.failed"]
    psp = await start_psp(PSP_WEBHOOKS=target(receiver.url, events=kinds))
    made = await psp.stripe.v1.payment_intents.create_async(authorization())
    await psp.stripe.v1.payment_intents.capture_async(made.id)

    refund = await psp.stripe.v1.refunds.create_async({"payment_intent": made.id, "amount": 1})
    await psp.command("POST", f"refunds/{refund.id}/fail")
    dispute = await psp.command("POST", "disputes", {"payment_intent": made.id})
    await psp.command("POST", f"disputes/{dispute['id']}/close", {"won": False})

    await receiver.until(lambda: len(receiver.received) == 3)
    assert {event["type"] for event in events_of(receiver)} == set(kinds)
