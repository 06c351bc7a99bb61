from datetime import timedelta

import pytest

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from chassis.storage.database import connect
from chassis.wake import Wake
from services.payment.adapters.stripe.accounts import Account, ConfiguredAccounts
from services.payment.adapters.stripe.connections import StripeConnections
from services.payment.adapters.stripe.event_feed import StripeEventFeed
from services.payment.adapters.stripe.facts import facts_of
from services.payment.adapters.stripe.psp import StripePsp
from services.payment.adapters.unit_of_work import sql_unit_of_work
from services.payment.application.authorize_payments import AuthorizePayment, authorize_payments
from services.payment.application.capture_payments import CapturePayment, capture_payments
from services.payment.application.increment_authorizations import (
    IncrementAuthorization,
    increment_authorizations,
)
from services.payment.application.refund_payments import RefundPayment, refund_payments
from services.payment.application.void_payments import VoidPayment, void_payments
from services.payment.application.webhooks.fetch_psp_events import fetch_psp_events
from services.payment.application.webhooks.note_psp_facts import note_psp_facts
from services.payment.domain.values import CaptureId, IncrementId, PaymentId, PspAccount, RefundId

REFUND_WINDOW = timedelta(days=180)


class Payments:
    """
    The payment service's use cases over a real database and a simulated PSP's process.
    """

    def __init__(self, database, psp, server, feed):
        self.database = database
        self.feed = feed
        self.server = server
        self.accounts = ConfiguredAccounts([Account(name="main", api_key="sk_unused")])
        self.uow = sql_unit_of_work(database, told=Wake(), clock=system_clock)
        self.surroundings = {"uow": self.uow, "psp": psp, "clock": system_clock}

    async def authorize(self, *ids, amount=100_00, token="tok_visa"):
        commands = [
            AuthorizePayment(payment_id=id_, amount=Money(amount, "EUR"), psp_token=PspToken(token))
            for id_ in ids
        ]
        return await authorize_payments(commands, **self.surroundings, accounts=self.accounts)

    async def capture(self, payment_id, amount, *, shipping=0, capture_id=None):
        command = CapturePayment(
            capture_id=capture_id or CaptureId(new_id()),
            payment_id=payment_id,
            amount=Money(amount, "EUR"),
            shipping=Money(shipping, "EUR"),
        )
        (answer,) = await capture_payments([command], **self.surroundings)
        return answer

    async def increment(self, payment_id, amount, *, increment_id=None):
        command = IncrementAuthorization(
            increment_id=increment_id or IncrementId(new_id()),
            payment_id=payment_id,
            amount=Money(amount, "EUR"),
        )
        (answer,) = await increment_authorizations([command], **self.surroundings)
        return answer

    async def refund(self, payment_id, amount, *, shipping=0, refund_id=None):
        command = RefundPayment(
            refund_id=refund_id or RefundId(new_id()),
            payment_id=payment_id,
            amount=Money(amount, "EUR"),
            shipping=Money(shipping, "EUR"),
            reason="it was blue",
        )
        (answer,) = await refund_payments([command], **self.surroundings, window=REFUND_WINDOW)
        return answer

    async def void(self, payment_id):
        command = VoidPayment(payment_id=payment_id)
        (answer,) = await void_payments([command], **self.surroundings)
        return answer

    async def get(self, payment_id):
        async with self.uow() as tx:
            return await tx.payments.get(payment_id)

    async def hear(self, *, since):
        """
        Note all that the PSP tells of its own accord.
        """
        await fetch_psp_events(PspAccount("main"), uow=self.uow, feed=self.feed, since=since)
        await note_psp_facts(uow=self.uow, facts_of=facts_of, clock=system_clock)

    async def charges(self, *payment_ids):
        """
        Return what the PSP says of each payment: authorized, captured, released, refunded.
        """
        found = [await self.server.records(str(payment_id)) for payment_id in payment_ids]
        names = ("authorized", "captured", "released", "refunded")
        return [tuple(record[name] for name in names) for record in found if record]

    async def rows(self, statement):
        async with self.database.begin() as tx:
            return await tx.rows(statement)


def stripe_at(server):
    account = Account(name="main", api_key=server.api_key, api_base=server.url)
    return StripeConnections([account], connections=32)


@pytest.fixture
async def stripe(psp_server):
    stripe = stripe_at(psp_server)
    yield stripe
    await stripe.close()


@pytest.fixture
def psp(stripe):
    return StripePsp(stripe.accounts, seconds=5, clock=system_clock)


@pytest.fixture
def feed(stripe):
    return StripeEventFeed(stripe.accounts, clock=system_clock)


@pytest.fixture
async def connected(migrated):
    """
    Connect to the payment database as the service does: `await connected()`.
    """
    databases = []

    async def open_():
        databases.append(connect((await migrated("payment")).app, application="payment-tests"))
        return databases[-1]

    yield open_
    for database in databases:
        await database.close()


@pytest.fixture
async def payments(psp, psp_server, feed, database_of, connected):
    await database_of("payment")  # empties it
    return Payments(await connected(), psp, psp_server, feed)


@pytest.fixture
async def owner(migrated):
    """
    The payment database, as its owner sees it.
    """
    database = connect((await migrated("payment")).owner, application="owner-tests")
    yield database
    await database.close()


@pytest.fixture
def payment_id():
    # The PSP forgets nothing between tests.
    return PaymentId(new_id())
