"""
Payments agree with the records of a PSP that may lie: the use cases on PostgreSQL, Stripe's SDK,
a PSP's process that misbehaves when told to, and its webhooks over HTTP.
"""

import asyncio
import contextlib
import json
from datetime import timedelta
from uuid import uuid4

import pytest
import stripe
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text

from chassis.kernel.clock import system_clock
from chassis.wake import Wake
from deploy.local.ports import HOST, Ports
from services.payment.adapters.stripe import authorizations, questions
from services.payment.adapters.stripe.event_feed import StripeEventFeed
from services.payment.adapters.stripe.facts import facts_of
from services.payment.adapters.stripe.psp import StripePsp
from services.payment.application.ports import PaymentNotFound
from services.payment.application.resolve_unknown import resolve_unknown
from services.payment.application.webhooks.note_psp_facts import note_psp_facts
from services.payment.domain.values import NO_REFERENCE
from services.payment.entrypoints.webhook_jobs import keep_noting
from services.payment.entrypoints.webhook_server import WebhookServer
from tests.integration.payment.conftest import Payments, stripe_at
from tests.payment_model import Machine
from tests.psp_process import WEBHOOK_SECRET

HOW = settings(
    max_examples=12,
    stateful_step_count=40,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)

# Longer than a PSP's answer takes here, and short enough to wait for one that never comes.
PATIENCE_SECONDS = 0.4
FAULTS = {
    "down": {"kind": "down", "next": 2},
    "fails_after": {"kind": "error_after_success", "next": 1},
    "silent_after": {"kind": "timeout_after_success", "next": 1, "ms": 600},
    "silent_before": {"kind": "timeout_before", "next": 1, "ms": 600},
    "wrong": {"kind": "wrong_amount", "next": 1, "steps": 1},
    "pending": {"kind": "refund_pending", "next": 1, "ms": 3_600_000},
    "duplicated": {"kind": "duplicated", "next": 3},
    "reordered": {"kind": "reordered", "next": 3},
    "late": {"kind": "late", "next": 3, "ms": 300},
    "lost": {"kind": "lost", "next": 3},
    "forged": {"kind": "forged", "next": 3},
    "stale": {"kind": "stale", "next": 3},
}
_BALANCES = text(
    """
    SELECT account, CAST(sum(amount) AS bigint) AS amount
    FROM ledger_postings JOIN ledger_entries ON id = entry_id
    WHERE payment_id = ANY(CAST(:ids AS uuid[])) GROUP BY account
    """
)


class Shop:
    """
    Asked from a thread of its own, while the service runs on *loop*.
    """

    patience_seconds = 60

    def __init__(self, loop, payments):
        self.loop, self.payments, self.server = loop, payments, payments.server
        self.began = system_clock()
        self.ahead = timedelta()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout=60)

    def misbehave(self, fault):
        if fault == "ok":
            self.run(self.server.behave())
        else:
            self.run(self.server.command("POST", "faults", FAULTS[fault]))

    def authorize(self, payment_id, amount):
        (answer,) = self.run(self.payments.authorize(payment_id, amount=amount))
        return answer

    def increment(self, payment_id, increment_id, amount):
        return self.run(self.payments.increment(payment_id, amount, increment_id=increment_id))

    def capture(self, payment_id, capture_id, amount):
        return self.run(self.payments.capture(payment_id, amount, capture_id=capture_id))

    def refund(self, payment_id, refund_id, amount):
        return self.run(self.payments.refund(payment_id, amount, refund_id=refund_id))

    def void(self, payment_id):
        return self.run(self.payments.void(payment_id))

    def later(self):
        return system_clock() + self.ahead

    def resolve(self):
        self.ahead += timedelta(minutes=10)
        self.run(resolve_unknown(**{**self.payments.surroundings, "clock": self.later}))

    def tell(self, _chosen):
        """
        The PSP does, when it likes.
        """

    def dispute(self, payment_id):
        self.command("POST", "disputes", {"payment_id": str(payment_id)})

    def decide(self, payment_id, *, won):
        for dispute in self.listed("disputes", payment_id):
            self.command("POST", f"disputes/{dispute.id}/close", {"won": won})

    def send_back_refund(self, payment_id):
        for refund in self.listed("refunds", payment_id)[:1]:
            self.command("POST", f"refunds/{refund.id}/fail")

    def refund_elsewhere(self, payment_id):
        if intent := self.intent_of(payment_id):
            refunds = self.server.stripe.v1.refunds
            with contextlib.suppress(stripe.StripeError):
                self.run(refunds.create_async({"payment_intent": intent, "amount": 1}))

    def expire(self, payment_id):
        self.command("POST", "expire", {"payment_id": str(payment_id)})

    def command(self, *words):
        # It may say no: there is nothing to dispute, or it is over.
        with contextlib.suppress(AssertionError):
            self.run(self.server.command(*words))

    def intent_of(self, payment_id):
        payment = self.get(payment_id)
        found = payment.psp_reference if payment else NO_REFERENCE
        return None if found == NO_REFERENCE else found

    def listed(self, kind, payment_id):
        if not (intent := self.intent_of(payment_id)):
            return []
        lists = getattr(self.server.stripe.v1, kind)
        try:
            return self.run(lists.list_async({"payment_intent": intent})).data
        except stripe.StripeError:
            return []

    def settle_down(self):
        self.run(self.server.behave())
        self.run(self.until_quiet())

    async def until_quiet(self):
        async with asyncio.timeout(self.patience_seconds):
            while not await self.is_quiet():
                self.ahead += timedelta(minutes=10)
                surroundings = {**self.payments.surroundings, "clock": self.later}
                for payment in await self.all():
                    await self.settle_refunds(payment)
                await resolve_unknown(**surroundings)
                await self.payments.hear(since=self.began)
                await note_psp_facts(uow=self.payments.uow, facts_of=facts_of, clock=self.later)

    async def settle_refunds(self, payment):
        if payment.psp_reference == NO_REFERENCE:
            return
        refunds = self.server.stripe.v1.refunds
        for refund in (await refunds.list_async({"payment_intent": payment.psp_reference})).data:
            if refund.status == "pending":
                await self.server.command("POST", f"refunds/{refund.id}/settle")

    async def is_quiet(self):
        for payment in await self.all():
            said = {kind: total.settled for kind, total in payment.totals.items()}
            told = await self.told(payment.id)
            if payment.open_transactions or any(told[k.lower()] != said[k] for k in said):
                return False
        waiting = text("SELECT 1 FROM psp_events WHERE state = 'RECEIVED'")
        return not await self.payments.rows(waiting)

    async def all(self):
        found = []
        for payment_id in self.known:
            with contextlib.suppress(PaymentNotFound):
                found.append(await self.payments.get(payment_id))
        return found

    def get(self, payment_id):
        try:
            return self.run(self.payments.get(payment_id))
        except PaymentNotFound:
            return None

    def records(self, payment_id):
        return self.run(self.told(payment_id))

    async def told(self, payment_id):
        record = await self.server.records(str(payment_id)) or {}
        names = {
            "authorization": "authorized",
            "capture": "captured",
            "void": "released",
            "refund": "refunded",
            "chargeback": "disputed",
        }
        return {kind: record.get(name, 0) for kind, name in names.items()}

    def balances(self, payments):
        async def read():
            async with self.payments.database.begin() as tx:
                return await tx.rows(_BALANCES, {"ids": [payment.id for payment in payments]})

        return {row.account: row.amount for row in self.run(read())}

    def close(self):
        """
        Nothing: the next example goes on with the same PSP.
        """


@pytest.fixture
async def shop(start_psp, database_of, connected):
    """
    Return what makes a shop on a PSP of its own, whose webhooks are heard.
    """
    await database_of("payment")
    address = f"{HOST}:{Ports({}).take()}"
    target = {"urls": [f"http://{address}/webhooks/main"], "secret": WEBHOOK_SECRET}
    server = await start_psp(PSP_WEBHOOKS=json.dumps({"main": target}))
    connections = stripe_at(server)
    psp = StripePsp(connections.accounts, seconds=PATIENCE_SECONDS, clock=system_clock)
    feed = StripeEventFeed(connections.accounts, clock=system_clock)
    payments = Payments(await connected(), psp, server, feed)
    received = Wake()
    webhooks = WebhookServer(
        address=address,
        secrets={"main": [WEBHOOK_SECRET]},
        uow=payments.uow,
        clock=system_clock,
        received=received,
    )
    noting = keep_noting(uow=payments.uow, facts_of=facts_of, clock=system_clock, received=received)
    feed = StripeEventFeed(connections.accounts, clock=system_clock)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(job) for job in (webhooks.run(), noting)]
        yield lambda loop: Shop(loop, payments)
        for task in running:
            task.cancel()
    await connections.close()


def machine_of(shop):
    loop = asyncio.get_running_loop()

    class OnPostgres(Machine):
        def shop(self):
            opened = shop(loop)
            opened.known = [self.payment(number) for number in (1, 2, 3)]
            return opened

    return OnPostgres


@pytest.mark.timeout(300)
async def test_payments_agree_with_the_psp_and_with_the_books(shop):
    await asyncio.to_thread(run_state_machine_as_test, machine_of(shop), settings=HOW)


def lose_the_answer_to_an_authorization(machine):
    machine.open()
    machine.misbehave("fails_after")
    machine.authorize(number=3, amount=100)
    machine.teardown()


async def test_a_lost_answer_is_asked_for_again(shop):
    await asyncio.to_thread(lose_the_answer_to_an_authorization, machine_of(shop)())


async def test_the_model_sees_a_key_that_is_another_each_time(shop, monkeypatch):
    # The mistake: what had no answer is asked as if it had never been asked.
    monkeypatch.setattr(questions, "keys_of", lambda *_: iter([str(uuid4())]))
    monkeypatch.setattr(Shop, "patience_seconds", 3)
    # Nobody looks, either.
    monkeypatch.setattr(authorizations.Authorization, "look", blind)

    # On a busy machine something else may be late, and meet the fault.
    for _ in range(4):
        try:
            await asyncio.to_thread(lose_the_answer_to_an_authorization, machine_of(shop)())
        except (AssertionError, TimeoutError):
            return
    pytest.fail("it was never seen")


async def blind(_question):
    return None
