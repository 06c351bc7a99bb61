"""A stranger's client is the judge: each journey of a payment, by Stripe's own SDK."""

import asyncio

import pytest
import stripe


async def test_an_authorization_sets_money_aside(intents, intent):
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 100_00)
    assert await intents.retrieve_async(intent.id) == intent


async def test_what_a_card_can_do_is_said_by_its_charge(intents, intent):
    seen = await intents.retrieve_async(intent.id, {"expand": ["latest_charge"]})

    card = seen.latest_charge.payment_method_details.card
    assert card.multicapture.status == "available"
    assert card.incremental_authorization.status == "available"
    assert card.capture_before > intent.created


async def test_what_was_not_asked_for_cannot_be_done(intents, authorization):
    plain = await intents.create_async(authorization(payment_method_options={}))

    with pytest.raises(stripe.InvalidRequestError):
        await intents.capture_async(plain.id, {"amount_to_capture": 1, "final_capture": False})


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_visa_chargeDeclined"])
async def test_a_payment_method_is_the_card_that_it_is_named_after(intents, method, authorization):
    params = authorization()
    del params["payment_method_data"]
    params["payment_method"] = method
    declined = method.endswith("Declined")

    try:
        made = await intents.create_async(params)
    except stripe.CardError:
        assert declined
    else:
        assert made.status == "requires_capture"
        assert not declined


@pytest.mark.parametrize(
    ("token", "decline_code"),
    [("tok_chargeDeclined", "generic_decline"), ("tok_insufficientFunds", "insufficient_funds")],
)
async def test_a_bank_can_decline(intents, token, decline_code, authorization):
    with pytest.raises(stripe.CardError) as caught:
        await intents.create_async(authorization(token=token))

    error = caught.value
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.error.decline_code == decline_code
    kept = await intents.retrieve_async(error.error.payment_intent.id)
    assert (kept.status, kept.amount_capturable) == ("requires_payment_method", 0)


async def test_a_card_that_nobody_knows_is_refused(intents, authorization):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.create_async(authorization(token="tok_nobody"))

    assert caught.value.code == "invalid_token"


async def test_a_cardholder_may_have_to_prove_who_they_are(intents, authorization):
    waiting = await intents.create_async(authorization(token="tok_authenticationRequired"))

    assert (waiting.status, waiting.amount_capturable) == ("requires_action", 0)
    assert (await intents.cancel_async(waiting.id)).status == "canceled"


async def test_a_capture_takes_all_and_is_the_last(intents, captured):
    assert (captured.status, captured.amount_received) == ("succeeded", 100_00)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.capture_async(captured.id)
    assert caught.value.code == "payment_intent_unexpected_state"


async def test_a_capture_of_a_part_gives_up_the_rest(intents, intent, psp_server):
    taken = await intents.capture_async(intent.id, {"amount_to_capture": 30_00})

    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 30_00, 0)
    records = await psp_server.records(intent.metadata["payment_id"])
    assert (records["captured"], records["released"]) == (30_00, 70_00)


async def test_parts_are_captured_one_after_another(intents, intent):
    for number, left in ((1, 70_00), (2, 40_00)):
        taken = await intents.capture_async(
            intent.id,
            {
                "amount_to_capture": 30_00,
                "final_capture": False,
                "metadata": {f"capture_{number}": "3000"},
            },
        )
        assert (taken.status, taken.amount_capturable) == ("requires_capture", left)
    ended = await intents.capture_async(intent.id, {"amount_to_capture": 0, "final_capture": True})

    assert (ended.status, ended.amount_received) == ("succeeded", 60_00)
    assert {"capture_1", "capture_2", "payment_id"} <= set(ended.metadata.to_dict())


async def test_no_more_is_captured_than_was_set_aside(intents, intent):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.capture_async(intent.id, {"amount_to_capture": 100_01})

    assert caught.value.code == "amount_too_large"


async def test_more_can_be_set_aside_until_something_is_captured(intents, intent):
    more = await intents.increment_authorization_async(
        intent.id, {"amount": 150_00, "metadata": {"increment_1": "5000"}}
    )
    assert more.amount_capturable == 150_00
    await intents.capture_async(intent.id, {"amount_to_capture": 1, "final_capture": False})

    with pytest.raises(stripe.InvalidRequestError):
        await intents.increment_authorization_async(intent.id, {"amount": 200_00})


async def test_what_was_cancelled_cannot_be_captured(intents, intent):
    ended = await intents.cancel_async(intent.id)

    assert (ended.status, ended.amount_capturable) == ("canceled", 0)
    with pytest.raises(stripe.InvalidRequestError):
        await intents.capture_async(intent.id)


async def test_what_was_captured_in_part_is_not_cancelled(intents, intent):
    await intents.capture_async(intent.id, {"amount_to_capture": 1, "final_capture": False})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.cancel_async(intent.id)
    assert caught.value.code == "payment_intent_unexpected_state"


async def test_a_refund_gives_back_a_part_or_the_rest(refunds, captured):
    part = await refunds.create_async(
        {"payment_intent": captured.id, "amount": 10_00, "metadata": {"transaction_id": "1"}}
    )
    rest = await refunds.create_async({"payment_intent": captured.id})

    assert (part.status, part.amount, rest.amount) == ("succeeded", 10_00, 90_00)
    listed = await refunds.list_async({"payment_intent": captured.id})
    assert [each.id for each in listed.data] == [rest.id, part.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refunds.create_async({"payment_intent": captured.id, "amount": 1})
    assert caught.value.code == "charge_already_refunded"


async def test_no_more_is_refunded_than_was_captured(refunds, captured):
    await refunds.create_async({"payment_intent": captured.id, "amount": 60_00})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refunds.create_async({"payment_intent": captured.id, "amount": 40_01})
    assert caught.value.param == "amount"


async def test_what_was_not_captured_is_not_refunded(refunds, intent):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refunds.create_async({"payment_intent": intent.id})

    assert caught.value.code == "charge_not_refundable"


async def test_a_disputed_charge_is_not_refunded_until_the_dispute_is_won(
    psp_server, refunds, captured
):
    dispute = await psp_server.command("POST", "disputes", {"payment_intent": captured.id})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await refunds.create_async({"payment_intent": captured.id})
    assert caught.value.code == "charge_disputed"
    await psp_server.command("POST", f"disputes/{dispute['id']}/close", {"won": True})
    assert (await refunds.create_async({"payment_intent": captured.id})).amount == 100_00


async def test_a_dispute_is_contested_once(psp_server, captured):
    opened = await psp_server.command("POST", "disputes", {"payment_intent": captured.id})
    disputes = psp_server.stripe.v1.disputes

    draft = await disputes.update_async(
        opened["id"], {"evidence": {"uncategorized_text": "They have it."}, "submit": False}
    )
    sent = await disputes.update_async(opened["id"], {"submit": True})

    assert (draft.status, sent.status) == ("needs_response", "under_review")
    assert sent.evidence.uncategorized_text == "They have it."
    with pytest.raises(stripe.InvalidRequestError):
        await disputes.update_async(opened["id"], {"submit": True})
    assert (await disputes.retrieve_async(opened["id"])).status == "under_review"


async def test_a_card_can_dispute_its_first_capture(intents, psp_server, authorization):
    made = await intents.create_async(authorization(token="tok_createDispute"))
    await intents.capture_async(made.id, {"amount_to_capture": 60_00, "final_capture": False})
    await intents.capture_async(made.id, {"amount_to_capture": 40_00})

    (dispute,) = (await psp_server.stripe.v1.disputes.list_async({"payment_intent": made.id})).data
    assert (dispute.amount, dispute.status) == (60_00, "needs_response")


async def test_intents_are_listed_page_by_page_and_by_time(intents, authorization):
    made = [await intents.create_async(authorization()) for _ in range(3)]
    since = {"created": {"gte": made[0].created}}

    first = await intents.list_async({"limit": 2, **since})
    then = await intents.list_async({"limit": 100, "starting_after": first.data[-1].id, **since})

    ids = [each.id for each in (*first.data, *then.data)]
    assert first.has_more
    assert [each for each in ids if each in {m.id for m in made}] == [m.id for m in reversed(made)]
    none = await intents.list_async({"created": {"lt": made[0].created - 10**6}})
    assert none.data == []


async def test_whatever_happens_is_listed_as_an_event(psp_server, captured):
    events = (await psp_server.stripe.v1.events.list_async({"limit": 100})).data

    mine = [each.type for each in events if each.data.object.id == captured.id]
    assert mine == ["payment_intent.succeeded", "payment_intent.amount_capturable_updated"]


async def test_money_of_others_is_nobodys_business(psp_server, intent):
    stranger = psp_server.client(key="sk_test_second").v1.payment_intents

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await stranger.retrieve_async(intent.id)
    assert caught.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError):
        await stranger.capture_async(intent.id)


async def test_who_has_no_key_is_turned_away(psp_server):
    with pytest.raises(stripe.AuthenticationError):
        await psp_server.client(key="sk_test_nobody").v1.payment_intents.list_async()


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": 100_000_000}, "amount"),
        ({"currency": "euro"}, "currency"),
        ({"currency": "kwd", "amount": 1_234}, "amount"),
        ({"currency": "isk", "amount": 150}, "amount"),
        ({"capture_method": "automatic"}, "capture_method"),
        ({"confirm": False}, "confirm"),
        ({"metadata": {"x" * 41: "y"}}, f"metadata[{'x' * 40}]"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_what_makes_no_sense_is_named(intents, change, param, authorization):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.create_async(authorization(**change))

    assert (caught.value.http_status, caught.value.param) == (400, param)


async def test_a_key_is_for_one_request_which_is_answered_in_the_same_way(
    intents, psp_server, authorization, key
):
    once = key()
    params = authorization()

    first = await intents.create_async(params, once)
    again = await intents.create_async(params, once)

    assert again == first
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        await intents.create_async(params | {"amount": 1}, once)
    records = await psp_server.records(params["metadata"]["payment_id"])
    assert records["authorizations"] == 1


async def test_a_refusal_is_kept_under_its_key_too(intents, intent, key):
    once = key()
    with pytest.raises(stripe.InvalidRequestError):
        await intents.capture_async(intent.id, {"amount_to_capture": 100_01}, once)

    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intents.capture_async(intent.id, {"amount_to_capture": 100_01}, once)

    assert caught.value.headers["Idempotent-Replayed"] == "true"


async def test_what_made_no_sense_is_not_kept(intents, authorization, key):
    once = key()
    params = authorization()
    with pytest.raises(stripe.InvalidRequestError):
        await intents.create_async(params | {"amount": 0}, once)

    assert (await intents.create_async(params, once)).status == "requires_capture"


async def test_a_hundred_at_once_with_one_key_are_one_charge(psp_server, authorization, key):
    once, params = key(), authorization()
    intents = psp_server.client(retries=10).v1.payment_intents

    made = await asyncio.gather(*(intents.create_async(params, once) for _ in range(100)))

    assert len({each.id for each in made}) == 1
    records = await psp_server.records(params["metadata"]["payment_id"])
    assert (records["authorizations"], records["authorized"]) == (1, 100_00)


async def test_captures_at_once_take_no_more_than_there_is(intents, intent, psp_server):
    part = {"amount_to_capture": 30_00, "final_capture": False}

    outcomes = await asyncio.gather(
        *(intents.capture_async(intent.id, part) for _ in range(10)), return_exceptions=True
    )

    assert sum(not isinstance(each, Exception) for each in outcomes) == 3
    records = await psp_server.records(intent.metadata["payment_id"])
    assert records["captured"] == 90_00


async def test_refunds_at_once_give_back_no_more_than_was_taken(refunds, captured, psp_server):
    part = {"payment_intent": captured.id, "amount": 30_00}

    await asyncio.gather(*(refunds.create_async(part) for _ in range(10)), return_exceptions=True)

    records = await psp_server.records(captured.metadata["payment_id"])
    assert records["refunded"] == 90_00


async def test_a_capture_and_a_cancellation_at_once_cannot_both_be(
    intents, psp_server, authorization
):
    made = [await intents.create_async(authorization()) for _ in range(10)]

    await asyncio.gather(
        *(ask(each.id) for each in made for ask in (intents.capture_async, intents.cancel_async)),
        return_exceptions=True,
    )

    for each in made:
        records = await psp_server.records(each.metadata["payment_id"])
        assert sorted((records["captured"], records["released"])) == [0, 100_00]
