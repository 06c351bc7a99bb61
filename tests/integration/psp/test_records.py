"""What the PSP keeps: it adds up, it survives, and the settlement report says it."""

import asyncio
import csv
import io
import random
from collections import Counter
from uuid import uuid4

import asyncpg
import pytest
import stripe

from tests.integration.psp.conftest import authorization_of


async def settlement(psp, **query):
    params = "&".join(f"{name}={value}" for name, value in query.items())
    async with psp.control.get(f"{psp.url}/simulator/settlement?{params}") as answer:
        assert answer.status == 200
        return list(csv.DictReader(io.StringIO(await answer.text())))


async def some_of_everything(psp, authorization):
    """
    Let every kind of change happen to one payment; return its intent.
    """
    v1 = psp.stripe.v1
    made = await v1.payment_intents.create_async(authorization())
    capture = {
        "amount_to_capture": 60_00,
        "final_capture": False,
        "metadata": {f"capture_{uuid4().hex}": "6000"},
    }
    await v1.payment_intents.capture_async(made.id, capture)
    await v1.payment_intents.capture_async(made.id, {"amount_to_capture": 40_00})
    given = await v1.refunds.create_async(
        {"payment_intent": made.id, "amount": 5_00, "metadata": {"transaction_id": str(uuid4())}}
    )
    failing = await v1.refunds.create_async({"payment_intent": made.id, "amount": 1_00})
    await psp.command("POST", f"refunds/{failing.id}/fail")
    disputed = {"payment_intent": made.id, "amount": 20_00}
    won = await psp.command("POST", "disputes", disputed)
    await psp.command("POST", f"disputes/{won['id']}/close", {"won": True})
    lost = await psp.command("POST", "disputes", disputed)
    await psp.command("POST", f"disputes/{lost['id']}/close", {"won": False})
    return made, capture, given


@pytest.fixture(scope="module")
async def busy(start_psp):
    """
    A PSP at which some of everything has happened: it, and what was asked for.
    """
    psp = await start_psp()
    return psp, await some_of_everything(psp, authorization_of)


async def test_the_settlement_report_has_a_row_for_each_change_and_they_add_up(busy):
    psp, (made, capture, given) = busy

    rows = await settlement(psp, account="main")

    assert Counter(row["kind"] for row in rows) == {
        "CAPTURE": 2,
        "REFUND": 2,
        "REFUND_FAILURE": 1,
        "CHARGEBACK": 2,
        "CHARGEBACK_REVERSAL": 1,
    }
    assert all(int(row["gross"]) - int(row["fee"]) == int(row["net"]) for row in rows)
    # 1.4 % and 0.25 of 60.00 and of 40.00; twice 15.00.
    assert sum(int(row["fee"]) for row in rows) == 84 + 25 + 56 + 25 + 2 * 15_00
    assert sum(int(row["gross"]) for row in rows) == 100_00 - 5_00 - 20_00
    first = next(row for row in rows if row["kind"] == "CAPTURE")
    assert first["source_id"] == made.id
    assert f"capture_{first['transaction_id'].replace('-', '')}" in capture["metadata"]
    refund = next(row for row in rows if row["kind"] == "REFUND")
    assert (refund["source_id"], refund["transaction_id"]) == (
        given.id,
        given.metadata["transaction_id"],
    )
    records = await psp.records(made.metadata["payment_id"])
    assert (records["captured"], records["refunded"], records["disputed"]) == (100_00, 5_00, 20_00)


async def test_a_report_of_another_time_or_account_has_other_rows(busy):
    psp, (made, _, _) = busy

    assert await settlement(psp, account="main", to=made.created) == []
    assert await settlement(psp, account="second") == []
    assert len(await settlement(psp, **{"from": made.created})) == 8


async def test_balance_transactions_say_the_same_as_the_report(busy):
    psp, _ = busy

    listed = await psp.stripe.v1.balance_transactions.list_async(
        {"limit": 100, "expand": ["data.source"]}
    )

    rows = await settlement(psp)
    assert [(each.id, each.amount, each.fee, each.net) for each in reversed(listed.data)] == [
        (row["row_id"], *(int(row[name]) for name in ("gross", "fee", "net"))) for row in rows
    ]
    assert {each.source.object for each in listed.data} == {"charge", "refund", "dispute"}


async def test_a_payout_takes_the_balance_with_it_once(start_psp, authorization):
    psp = await start_psp()
    await some_of_everything(psp, authorization)
    net = sum(int(row["net"]) for row in await settlement(psp))

    (paid,) = (await psp.command("POST", "payouts"))["payouts"]

    assert paid["amount"] == net
    assert sum(int(row["net"]) for row in await settlement(psp)) == 0
    of_payout = await psp.stripe.v1.balance_transactions.list_async(
        {"payout": paid["id"], "limit": 100}
    )
    assert len(of_payout.data) == 9
    assert (await psp.command("POST", "payouts"))["payouts"] == []


async def test_nothing_that_was_answered_is_lost_when_the_psp_is_killed(start_psp, authorization):
    psp = await start_psp()
    intents = psp.client(retries=0).v1.payment_intents
    answered, asked = {}, {}

    async def customer(number):
        chance = random.Random(number)
        while True:
            params, once = authorization(1_00), {"idempotency_key": str(uuid4())}
            asked[once["idempotency_key"]] = params
            try:
                made = await intents.create_async(params, once)
                answered[once["idempotency_key"]] = made.id
                if chance.random() < 0.5:
                    await intents.capture_async(made.id)
            except stripe.APIConnectionError:
                return

    customers = [asyncio.create_task(customer(number)) for number in range(16)]
    while len(answered) < 100:
        await asyncio.sleep(0.01)
    await psp.kill()
    await asyncio.gather(*customers)
    await psp.start()

    # Whoever got no answer asks again; whoever got one gets the same.
    for once, params in asked.items():
        again = await intents.create_async(params, {"idempotency_key": once})
        assert again.id == answered.get(once, again.id)
        records = await psp.records(params["metadata"]["payment_id"])
        assert (records["authorizations"], records["authorized"]) == (1, 1_00)


async def test_it_survives_the_loss_of_its_database_connections(
    psp_server, intents, authorization, key, eventually
):
    await psp_server.fault("slow", "list", ms=1)
    pid, once, params = psp_server.process.pid, key(), authorization()
    server = await asyncpg.connect(psp_server.database)
    gone = await server.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'psp'"
    )
    await server.close()
    assert gone

    async def is_back():
        try:
            return await intents.create_async(params, once)
        except stripe.APIError:
            return None

    await eventually(is_back)
    assert psp_server.process.pid == pid
    assert (await psp_server.records(params["metadata"]["payment_id"]))["authorizations"] == 1
    assert len((await psp_server.command("GET", "faults"))["faults"]) == 1


async def test_a_key_is_forgotten_after_a_while(start_psp, authorization, key):
    psp = await start_psp(PSP_KEY_SECONDS="1")
    intents, params, once = psp.stripe.v1.payment_intents, authorization(), key()

    first = await intents.create_async(params, once)
    async with asyncio.timeout(10):
        while (again := await intents.create_async(params, once)).id == first.id:
            await asyncio.sleep(0.1)

    assert again.status == "requires_capture"
    assert (await psp.records(params["metadata"]["payment_id"]))["authorizations"] == 2


async def test_a_second_payment_of_the_same_name_is_told_from_the_first(
    psp_server, intents, authorization
):
    params = authorization()
    await intents.create_async(params)
    await intents.create_async(params)

    records = await psp_server.records(params["metadata"]["payment_id"])
    assert (records["authorizations"], records["authorized"]) == (2, 200_00)
