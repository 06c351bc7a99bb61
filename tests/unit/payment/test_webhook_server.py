import asyncio
import io
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY
from stripe import WebhookSignature

from chassis.wake import Wake
from services.payment.entrypoints.webhook_server import (
    MOST_BYTES,
    WebhookPortTaken,
    WebhookServer,
)

SECRETS = {"main": ["whsec_new", "whsec_old"], "other": ["whsec_other"]}


class Sender:
    """
    A PSP that sends webhooks to a server of ours.
    """

    def __init__(self, client, world):
        self._client = client
        self._world = world

    async def send(self, event, *, account="main", secret="whsec_new", at=None, header=None):
        body = event if isinstance(event, str) else json.dumps(event)
        at = int((at or self._world.now).timestamp())
        if header is None:
            header = WebhookSignature.generate_signature_header(body, secret, timestamp=at)
        headers = {"Stripe-Signature": header} if header else {}
        path = f"/webhooks/{account}"
        async with self._client.post(
            path, data=io.BytesIO(body.encode()), headers=headers
        ) as response:
            return response.status, await response.json()


@pytest.fixture
def received():
    return Wake()


def a_server(world, received, *, uow=None, address=""):
    return WebhookServer(
        address=address,
        secrets=SECRETS,
        uow=uow or world.uow,
        clock=world.clock,
        received=received,
    )


@pytest.fixture
async def sender(world, received):
    server = a_server(world, received)
    async with TestClient(TestServer(server.application())) as client:
        yield Sender(client, world)


def event(id_="evt_1", **more):
    return {"id": id_, "type": "charge.captured", "created": 1_767_268_800, **more}


def counted(outcome, type_="charge.captured"):
    labels = {"type": type_, "outcome": outcome}
    return REGISTRY.get_sample_value("waybill_webhooks_total", labels) or 0


async def test_an_event_is_written_down_as_it_was_signed(sender, world, received):
    body = json.dumps(event(name="café"), indent=3, ensure_ascii=False)
    accepted = counted("accepted")

    assert await sender.send(body) == (200, {"received": True})

    ((kept, _, _),) = world.psp_events.waiting.values()
    assert (kept.account, kept.id, kept.type) == ("main", "evt_1", "charge.captured")
    assert kept.payload == body
    assert (kept.created_at, kept.received_at) == (world.now, world.now)
    assert counted("accepted") == accepted + 1
    await asyncio.wait_for(received.wait(sweep_seconds=60), 5)


async def test_one_that_comes_again_is_answered_and_not_kept_twice(sender, world):
    repeated = counted("repeated")

    for _ in range(3):
        status, _ = await sender.send(event())
        assert status == 200

    assert len(world.psp_events.waiting) == 1
    assert counted("repeated") == repeated + 2


async def test_two_accounts_may_call_their_events_alike(sender, world):
    await sender.send(event())
    await sender.send(event(), account="other", secret="whsec_other")

    assert len(world.psp_events.waiting) == 2


FORGED = [
    ({"secret": "whsec_guessed"}, "SIGNATURE_WRONG"),
    ({"account": "other"}, "SIGNATURE_WRONG"),
    ({"account": "nobody"}, "ACCOUNT_UNKNOWN"),
    ({"header": ""}, "SIGNATURE_MISSING"),
    ({"header": "t=1,v1=00"}, "SIGNATURE_WRONG"),
]


@pytest.mark.parametrize(("details", "reason"), FORGED)
async def test_what_is_not_the_psps_is_refused_and_counted(sender, world, caplog, details, reason):
    refused = counted(reason.lower(), type_="")

    status, answer = await sender.send(event(text="a secret of the payer"), **details)

    assert (status, answer["error"]["reason"]) == (400, reason)
    assert counted(reason.lower(), type_="") == refused + 1
    assert not world.psp_events.waiting
    assert reason in caplog.text
    assert "payer" not in caplog.text


@pytest.mark.parametrize("way", [-1, 1])
async def test_an_old_one_that_somebody_sends_again_is_refused(sender, world, way):
    status, answer = await sender.send(event(), at=world.now + way * timedelta(seconds=301))

    assert (status, answer["error"]["reason"]) == (400, "SIGNATURE_TOO_OLD")


@pytest.mark.parametrize(
    "body",
    [
        *("", "[]", "{}", "null", '{"id": "evt_1"}', '{"id": "evt_1"'),
        *map(json.dumps, [event(""), event("evt 1"), event("e" * 256), event(created=-1)]),
        json.dumps(event(created="2026-01-01")),
        json.dumps(event())[:-1] + f', "deep": {"[" * 100_000}{"]" * 100_000}}}',
    ],
)
async def test_what_is_signed_and_no_event_is_refused(sender, world, body):
    status, answer = await sender.send(body)

    assert (status, answer["error"]["reason"]) == (400, "EVENT_MALFORMED")
    assert not world.psp_events.waiting


async def test_a_body_beyond_a_mebibyte_is_not_read(sender, world):
    status, answer = await sender.send(event(text="x" * MOST_BYTES))

    assert (status, answer["error"]["reason"]) == (413, "TOO_LARGE")
    assert not world.psp_events.waiting


async def test_a_body_that_is_not_packed_as_it_says_is_refused(world, received):
    client = TestClient(TestServer(a_server(world, received).application()))
    headers = {"Content-Encoding": "gzip"}
    async with client, client.post("/webhooks/main", data=b"plain", headers=headers) as response:
        assert response.status == 400


async def test_events_that_come_at_once_share_a_transaction(world, received):
    begun, all_there = [], asyncio.Event()

    @asynccontextmanager
    async def uow():
        begun.append(world.now)
        await all_there.wait()
        async with world.uow() as tx:
            yield tx

    async def until(condition):
        while not condition():
            await asyncio.sleep(0.001)

    server = a_server(world, received, uow=uow)
    async with TestClient(TestServer(server.application())) as client, asyncio.TaskGroup() as sends:
        sender = Sender(client, world)
        first = sends.create_task(sender.send(event("evt_first")))
        await until(lambda: begun)
        others = [sends.create_task(sender.send(event(f"evt_{n}"))) for n in range(50)]
        await until(lambda: len(server._receive._waiting) == len(others))
        all_there.set()

    assert {send.result()[0] for send in (first, *others)} == {200}
    assert len(world.psp_events.waiting) == 51
    assert len(begun) == 2


async def test_what_cannot_be_written_down_is_to_be_sent_again(world, received):
    def away():
        raise ConnectionRefusedError

    server = a_server(world, received, uow=away)
    async with TestClient(TestServer(server.application())) as client:
        status, answer = await Sender(client, world).send(event())

    assert (status, answer["error"]["reason"]) == (503, "UNAVAILABLE")


async def test_whoever_watches_over_it_hears_that_it_is_well(world, received):
    server = a_server(world, received)
    client = TestClient(TestServer(server.application()))
    async with client, client.get("/health") as response:
        assert response.status == 200


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:none", "256.0.0.1:0"])
async def test_an_address_that_cannot_be_is_said_at_the_start(world, received, address):
    server = a_server(world, received, address=address)

    with pytest.raises(WebhookPortTaken, match="WEBHOOK_ADDRESS"):
        await server.run()
