"""What goes wrong on command, as Stripe's client sees it, and what has happened then."""

import aiohttp
import pytest
import stripe

TOKENS = ("tok_timeoutAfterSuccess", "tok_down")


async def records_of(psp, params):
    return await psp.records(params["metadata"]["payment_id"])


async def test_a_card_can_lose_the_first_answer(intents, psp_server, authorization, key):
    params, once = authorization(token="tok_timeoutAfterSuccess"), key()

    with pytest.raises(stripe.APIConnectionError):
        await intents.create_async(params, once)
    assert (await records_of(psp_server, params))["authorized"] == 100_00

    again = await intents.create_async(params, once)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert (await records_of(psp_server, params))["authorizations"] == 1


async def test_a_card_can_find_the_psp_down_twice(intents, psp_server, authorization, key):
    params, once = authorization(token="tok_down"), key()

    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            await intents.create_async(params, once)
        assert caught.value.http_status == 503
        assert await records_of(psp_server, params) is None

    assert (await intents.create_async(params, once)).status == "requires_capture"


async def test_down_does_nothing(intents, psp_server, authorization, key):
    await psp_server.fault("down", "authorize", next=1)
    params, once = authorization(), key()

    with pytest.raises(stripe.APIError) as caught:
        await intents.create_async(params, once)

    assert caught.value.http_status == 503
    assert await records_of(psp_server, params) is None
    assert (await intents.create_async(params, once)).status == "requires_capture"


async def test_an_error_after_success_is_replayed_for_ever(intents, psp_server, authorization, key):
    await psp_server.fault("error_after_success", "authorize", next=1)
    params, once = authorization(), key()

    for replayed in (None, "true"):
        with pytest.raises(stripe.APIError) as caught:
            await intents.create_async(params, once)
        assert caught.value.http_status == 500
        assert caught.value.headers.get("Idempotent-Replayed") == replayed

    assert (await records_of(psp_server, params))["authorizations"] == 1


async def test_an_error_without_effect_is_replayed_for_ever_too(
    intents, psp_server, authorization, key
):
    await psp_server.fault("error_without_effect", "authorize", next=1)
    params, once = authorization(), key()

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await intents.create_async(params, once)

    assert await records_of(psp_server, params) is None
    assert (await intents.create_async(params, key())).status == "requires_capture"


@pytest.mark.parametrize(("kind", "taken"), [("timeout_before", 0), ("timeout_after_success", 1)])
async def test_a_connection_breaks_before_or_after_the_deed(
    intents, psp_server, intent, key, kind, taken
):
    await psp_server.fault(kind, "capture", next=1, ms=50)
    once = key()

    with pytest.raises(stripe.APIConnectionError):
        await intents.capture_async(intent.id, {}, once)

    records = await psp_server.records(intent.metadata["payment_id"])
    assert records["captures"] == taken
    assert (await intents.capture_async(intent.id, {}, once)).amount_received == 100_00


async def test_slow_answers_after_a_while(psp_server, intents, intent):
    await psp_server.fault("slow", "retrieve", next=1, ms=300)

    with pytest.raises(TimeoutError):
        async with psp_server.control.get(
            f"{psp_server.url}/v1/payment_intents/{intent.id}",
            headers={"Authorization": f"Bearer {psp_server.api_key}"},
            timeout=aiohttp.ClientTimeout(total=0.05),
        ):
            pass

    assert (await intents.retrieve_async(intent.id)).id == intent.id


@pytest.mark.parametrize("steps", [-1, 1])
async def test_a_wrong_amount_is_set_aside_and_said(intents, psp_server, authorization, steps):
    await psp_server.fault("wrong_amount", "authorize", next=1, steps=steps)
    params = authorization()

    made = await intents.create_async(params)

    assert (made.amount, made.amount_capturable) == (100_00 + steps, 100_00 + steps)
    assert (await records_of(psp_server, params))["authorized"] == 100_00 + steps


async def test_a_wrong_amount_in_a_currency_of_three_decimals_is_a_step_of_ten(
    intents, psp_server, authorization
):
    await psp_server.fault("wrong_amount", "authorize", next=1)

    made = await intents.create_async(authorization(10_000, currency="kwd"))

    assert made.amount == 9_990


@pytest.mark.parametrize(
    ("asked", "steps", "taken"), [(50, -1, 49), (50, 1, 51), (100_00, 1, 100_00)]
)
async def test_a_wrong_amount_is_captured_where_there_is_room(
    intents, psp_server, intent, asked, steps, taken
):
    await psp_server.fault("wrong_amount", "capture", next=1, steps=steps)

    seen = await intents.capture_async(
        intent.id, {"amount_to_capture": asked, "final_capture": False}
    )

    assert seen.amount_received == taken


@pytest.mark.parametrize("steps", [-1, 1])
async def test_of_a_refund_only_too_little_is_given_back(refunds, psp_server, captured, steps):
    await psp_server.fault("wrong_amount", "refund", next=1, steps=steps)

    assert (await refunds.create_async({"payment_intent": captured.id, "amount": 50})).amount == 49


async def test_an_increment_can_be_declined_and_leaves_all_as_it_was(intents, psp_server, intent):
    await psp_server.fault("decline", "increment", next=1, decline_code="insufficient_funds")

    with pytest.raises(stripe.CardError):
        await intents.increment_authorization_async(intent.id, {"amount": 200_00})

    assert (await intents.retrieve_async(intent.id)).amount == 100_00


async def test_a_refund_on_its_way_arrives(refunds, psp_server, captured):
    await psp_server.fault("refund_pending", "refund", next=1, ms=60_000)
    refund = await refunds.create_async({"payment_intent": captured.id})
    assert refund.status == "pending"

    await psp_server.command("POST", f"refunds/{refund.id}/settle")

    assert (await refunds.retrieve_async(refund.id)).status == "succeeded"


async def test_a_refund_that_fails_later_is_money_back_at_the_merchant(
    refunds, psp_server, captured, eventually
):
    await psp_server.fault("refund_fails_later", "refund", next=1, ms=10)
    refund = await refunds.create_async({"payment_intent": captured.id})
    assert refund.status == "succeeded"

    async def has_failed():
        return (await refunds.retrieve_async(refund.id)).status == "failed"

    await eventually(has_failed)
    records = await psp_server.records(captured.metadata["payment_id"])
    assert records["refunded"] == 0
    assert (await refunds.create_async({"payment_intent": captured.id})).amount == 100_00


async def test_an_authorization_expires_on_command_and_by_itself(
    start_psp, intents, psp_server, intent, authorization, eventually
):
    await psp_server.command("POST", "expire", {"payment_id": intent.metadata["payment_id"]})
    ended = await intents.retrieve_async(intent.id)
    assert (ended.status, ended.cancellation_reason) == ("canceled", "expired")

    hasty = await start_psp(PSP_AUTHORIZATION_SECONDS="1")
    theirs = hasty.stripe.v1.payment_intents
    made = await theirs.create_async(authorization())

    async def is_over():
        return (await theirs.retrieve_async(made.id)).status == "canceled"

    await eventually(is_over)


async def test_what_was_captured_in_part_ends_well_when_it_expires(intents, psp_server, intent):
    await intents.capture_async(intent.id, {"amount_to_capture": 1, "final_capture": False})

    await psp_server.command("POST", "expire", {"payment_intent": intent.id})

    ended = await intents.retrieve_async(intent.id)
    assert (ended.status, ended.amount_received, ended.amount_capturable) == ("succeeded", 1, 0)


async def test_a_rule_is_used_up_and_rules_can_be_seen_and_taken_back(psp_server, intents, intent):
    await psp_server.fault("down", "retrieve", next=2)
    await psp_server.fault("slow", "list", ms=1)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            await intents.retrieve_async(intent.id)
    await intents.retrieve_async(intent.id)

    (rule,) = (await psp_server.command("GET", "faults"))["faults"]
    assert (rule["kind"], rule["hits"]) == ("slow", 0)
    await psp_server.command("DELETE", f"faults/{rule['id']}")
    assert (await psp_server.command("GET", "faults"))["faults"] == []


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b'{"kind": "grumpy"}',
        b'{"kind": "slow", "verbs": ["dance"]}',
        b'{"kind": "lost", "verbs": ["capture"]}',
        b'{"kind": "slow", "verbs": ["webhook"]}',
        b'{"kind": "slow", "probability": 2}',
        b'{"kind": "slow", "next": 0}',
        b'{"kind": "wrong_amount", "steps": 0}',
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused(psp_server, document):
    async with psp_server.control.post(
        f"{psp_server.url}/simulator/faults", data=document
    ) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["message"]
