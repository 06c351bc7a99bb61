"""The payment service as a process, and the simulated PSP that tells it what happens."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from uuid import uuid4

import aiohttp
import grpc
import pytest
from google.type.money_pb2 import Money
from sqlalchemy import text
from stripe import WebhookSignature

from chassis.kernel.clock import system_clock
from chassis.rpc.client import channel
from chassis.rpc.errors import reason_of, status_of
from deploy.local.ports import Ports
from deploy.local.processes import Process, running
from deploy.local.services import GRPC_EXPERIMENTS
from deploy.local.topology import PYTHONPATH
from retail.payment.v1 import chargeback_service_pb2 as chargebacks
from retail.payment.v1 import payment_service_pb2 as pb
from retail.payment.v1.chargeback_service_pb2_grpc import ChargebackServiceStub
from retail.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from tests.psp_process import API_KEY, WEBHOOK_SECRET

UNFINISHED = text("SELECT id, state, reason FROM psp_events WHERE state <> 'DONE'")
KEPT = text("SELECT id FROM psp_events")
BOOKED = text("SELECT account, sum(amount) AS amount FROM ledger_postings GROUP BY account")
# More than any of this takes, on the slowest machine.
AT_LAST_SECONDS = 60.0


@pytest.fixture
async def process_with(migrated, nats_url, tmp_path):
    """
    Return how to describe a process of the service whose PSP is at a given place.
    """
    urls = await migrated("payment")

    def describe(psp_url, webhook_address):
        address = f"127.0.0.1:{Ports({}).take()}"
        account = {
            "name": "main",
            "api_key": API_KEY,
            "api_base": psp_url,
            "webhook_secrets": ["whsec_next", WEBHOOK_SECRET],
        }
        return Process(
            name="payment",
            role="payment",
            command=(sys.executable, "-m", "services.payment"),
            address=address,
            check=f"grpc://{address}",
            log=tmp_path / "payment.log",
            environment={
                "DATABASE_URL": urls.app,
                "NATS_URL": nats_url,
                "GRPC_ADDRESS": address,
                "WEBHOOK_ADDRESS": webhook_address,
                "PSP_ACCOUNTS": json.dumps([account]),
                "INSTANCE": "payment-1",
                "PYTHONPATH": PYTHONPATH,
                "GRPC_EXPERIMENTS": GRPC_EXPERIMENTS,
            },
        )

    return describe


@pytest.fixture
def webhook_address():
    return f"127.0.0.1:{Ports({}).take()}"


async def until_done(database, *, at_least=0):
    """
    Wait until all that was heard is worked off, and it was as much as expected.
    """
    async with asyncio.timeout(AT_LAST_SECONDS):
        while True:
            async with database.begin() as tx:
                unfinished, kept = await tx.rows(UNFINISHED), await tx.rows(KEPT)
            if not unfinished and len(kept) >= at_least:
                return {row.id for row in kept}
            await asyncio.sleep(0.05)


class Sender:
    """
    A PSP that sends events until they are taken.
    """

    def __init__(self, session, url):
        self._session = session
        self._url = url
        self.taken = set()

    async def send(self, id_):
        body = json.dumps({"id": id_, "type": "test", "created": 1, "data": {"object": {}}})
        at = int(system_clock().timestamp())
        header = WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET, timestamp=at)
        while id_ not in self.taken:
            try:
                async with self._session.post(
                    self._url, data=body, headers={"Stripe-Signature": header}
                ) as response:
                    assert response.status == 200
                    self.taken.add(id_)
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)  # it is away; it comes back


async def test_no_event_that_was_taken_is_lost_when_the_process_is_killed(
    process_with, database_of, webhook_address
):
    database = await database_of("payment")
    process = process_with("http://127.0.0.1:1", webhook_address)
    ids = [f"evt_{n}" for n in range(600)]

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as sends:
        sender = Sender(session, f"http://{webhook_address}/webhooks/main")
        async with running(process) as (child,):
            for each in ids[:300]:
                sends.create_task(sender.send(each))
            while len(sender.taken) < 100:
                await asyncio.sleep(0.001)
            child.kill()
            await child.wait()
        assert len(sender.taken) < 300
        for each in ids[300:]:
            sends.create_task(sender.send(each))
        async with running(process):
            while len(sender.taken) < len(ids):
                await asyncio.sleep(0.01)
            assert await until_done(database) == set(ids)


@asynccontextmanager
async def service_of(process):
    async with channel(f"ipv4:{process.address}") as open_channel:
        yield PaymentServiceStub(open_channel), ChargebackServiceStub(open_channel)


def euros(amount):
    return Money(currency_code="EUR", units=amount)


async def paid(payments, *, token="tok_visa"):
    """
    Have 100 euros set aside and 60 taken, asking until there is an answer; return the payment.
    """
    payment_id, capture_id = str(uuid4()), str(uuid4())
    authorization = pb.Authorization(payment_id=payment_id, amount=euros(100), psp_token=token)
    capture = pb.Capture(payment_id=payment_id, capture_id=capture_id, amount=euros(60))
    while True:
        response = await payments.AuthorizePayments(
            pb.AuthorizePaymentsRequest(authorizations=[authorization])
        )
        if response.results[0].HasField("payment"):
            break
    response = await payments.CapturePayments(pb.CapturePaymentsRequest(captures=[capture]))
    assert response.results[0].HasField("payment")
    return payment_id


async def until_there(look):
    async with asyncio.timeout(AT_LAST_SECONDS):
        while not (found := await look()):
            await asyncio.sleep(0.05)
        return found


async def test_a_payment_is_charged_back_defended_and_won(
    process_with, database_of, webhook_address, start_psp
):
    database = await database_of("payment")
    target = {"urls": [f"http://{webhook_address}/webhooks/main"], "secret": WEBHOOK_SECRET}
    psp = await start_psp(PSP_WEBHOOKS=json.dumps({"main": target}))
    for kind in ("duplicated", "reordered", "forged", "stale"):
        await psp.fault(kind, probability=0.5)
    process = process_with(psp.url, webhook_address)

    async with running(process), service_of(process) as (payments, service):
        payment_id = await paid(payments)
        await psp.command("POST", "disputes", {"payment_id": payment_id})

        async def listed():
            request = chargebacks.ListChargebacksRequest(payment_id=payment_id)
            return (await service.ListChargebacks(request)).chargebacks

        (disputed,) = await until_there(listed)
        assert (disputed.amount, disputed.payment_id) == (euros(60), payment_id)
        assert disputed.state == chargebacks.CHARGEBACK_STATE_NEEDS_RESPONSE

        evidence = chargebacks.SubmitChargebackEvidenceRequest(
            chargeback_id=disputed.chargeback_id, text="It was delivered on Monday."
        )
        answer = await service.SubmitChargebackEvidence(evidence)
        assert answer.chargeback.state == chargebacks.CHARGEBACK_STATE_UNDER_REVIEW
        evidence.text = "It was delivered on Tuesday."
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.SubmitChargebackEvidence(evidence)
        assert reason_of(status_of(refused.value)) == "EVIDENCE_ALREADY_SUBMITTED"

        dispute = f"disputes/{disputed.chargeback_id}/close"
        await psp.command("POST", dispute, {"won": True})

        async def decided():
            request = chargebacks.GetChargebackRequest(chargeback_id=disputed.chargeback_id)
            found = (await service.GetChargeback(request)).chargeback
            return found.state == chargebacks.CHARGEBACK_STATE_WON

        await until_there(decided)
        await until_done(database)

    async with database.begin() as tx:
        booked = {row.account: row.amount for row in await tx.rows(BOOKED)}
    assert (booked["chargebacks"], booked["psp_clearing"], booked["sales"]) == (0, 60_00, -60_00)
