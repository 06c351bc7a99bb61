import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from services.payment.application.authorize_payments import AuthorizePayment, authorize_payments
from services.payment.application.capture_payments import CapturePayment, capture_payments
from services.payment.application.expire_authorizations import expire_authorizations
from services.payment.application.increment_authorizations import (
    IncrementAuthorization,
    increment_authorizations,
)
from services.payment.application.ports import CurrencyNotServed, PaymentNotFound
from services.payment.application.refund_payments import RefundPayment, refund_payments
from services.payment.application.resolve_unknown import resolve_unknown
from services.payment.application.void_payments import VoidPayment, void_payments
from services.payment.domain.payment import Payment
from services.payment.domain.values import (
    MAIN_MERCHANT,
    Approved,
    CaptureId,
    IncrementId,
    NoAnswer,
    PaymentId,
    PspAccount,
    PspReference,
    RefundId,
)
from tests.unit.payment.books import Booked, InMemoryLedger
from tests.unit.payment.told import InMemoryChargebacks, InMemoryPspEvents

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PATIENCE = timedelta(seconds=5)
REFUND_WINDOW = timedelta(days=180)
VISA = PspToken("tok_visa")
EUR_100, NO_EUROS = Money(100_00, "EUR"), Money(0, "EUR")


class PaymentWorld:
    """
    Everything around the payment service's use cases, in memory.

    A test sets it up, runs a use case against it, and looks at what changed.
    """

    def __init__(self):
        self.now = NOON
        self.payments = {}
        self.events = []
        self.booked = []
        self.psp_events = InMemoryPspEvents()
        self.chargebacks = InMemoryChargebacks()
        self.psp = InMemoryPsp()
        self.currencies = {"EUR", "JPY", "KWD"}
        self._lock = asyncio.Lock()

    def clock(self):
        return self.now

    @property
    def entries(self):
        return [each.entry for each in self.booked]

    @asynccontextmanager
    async def uow(self):
        async with self._lock:
            ledger = InMemoryLedger(self.booked, now=self.now)
            told = deepcopy((self.psp_events, self.chargebacks))
            tx = InMemoryTransaction(deepcopy(self.payments), ledger, *told)
            yield tx
            self.payments = tx.payments.by_id
            self.psp_events, self.chargebacks = tx.psp_events, tx.chargebacks
            self.events += tx.payments.events
            self.booked += [
                Booked(self.now, number, entry)
                for number, entry in enumerate(ledger.entries, start=len(self.booked) + 1)
            ]

    def account_for(self, merchant, currency):
        if currency not in self.currencies:
            raise CurrencyNotServed(f"nobody serves {currency}", field="amount")
        return PspAccount(f"account of {merchant}")

    async def authorize(self, payment_id, amount=EUR_100, token=VISA, merchant=MAIN_MERCHANT):
        command = AuthorizePayment(
            payment_id=payment_id, amount=amount, psp_token=token, merchant=merchant
        )
        (answer,) = await authorize_payments([command], **self._surroundings, accounts=self)
        return answer

    async def increment(self, payment_id, increment_id, amount):
        command = IncrementAuthorization(
            increment_id=increment_id, payment_id=payment_id, amount=amount
        )
        (answer,) = await increment_authorizations([command], **self._surroundings)
        return answer

    async def capture(self, payment_id, capture_id, amount, shipping=NO_EUROS):
        command = CapturePayment(
            capture_id=capture_id, payment_id=payment_id, amount=amount, shipping=shipping
        )
        (answer,) = await capture_payments([command], **self._surroundings)
        return answer

    async def refund(self, payment_id, refund_id, amount, shipping=NO_EUROS, reason=""):
        command = RefundPayment(
            refund_id=refund_id,
            payment_id=payment_id,
            amount=amount,
            shipping=shipping,
            reason=reason,
        )
        (answer,) = await refund_payments([command], **self._surroundings, window=REFUND_WINDOW)
        return answer

    async def expire(self):
        return await expire_authorizations(**self._surroundings)

    def balances(self):
        """
        Return what each account holds, in minor units of whatever currency.
        """
        sums = Counter()
        for entry in self.entries:
            for posting in entry.postings:
                sums[posting.account] += posting.amount.minor_units
        return sums

    async def tell(self, payment_id, note):
        """
        Bring a payment what the PSP tells of its own accord: *note* is given the payment.
        """
        async with self.uow() as tx:
            payments = await tx.payments.open({payment_id})
            await tx.ledger.book(note(payments[payment_id]))
            await tx.payments.save(payments.values())
        return self.payments[payment_id]

    async def void(self, payment_id):
        command = VoidPayment(payment_id=payment_id)
        (answer,) = await void_payments([command], **self._surroundings)
        return answer

    async def resolve(self):
        return await resolve_unknown(**self._surroundings)

    @property
    def _surroundings(self):
        return {"uow": self.uow, "psp": self.psp, "clock": self.clock}


class InMemoryTransaction:
    def __init__(self, payments, ledger, psp_events, chargebacks):
        self.payments = InMemoryPayments(payments)
        self.ledger = ledger
        self.psp_events = psp_events
        self.chargebacks = chargebacks


class InMemoryPayments:
    def __init__(self, by_id):
        self.by_id = by_id
        self.events = []

    async def get(self, payment_id):
        if payment_id not in self.by_id:
            raise PaymentNotFound(payment_id)
        return self.by_id[payment_id]

    async def open(self, payment_ids):
        return {id_: self.by_id.get(id_) or Payment(id=id_) for id_ in payment_ids}

    async def claim_unsettled(self, *, limit, now):
        unsettled = [
            payment
            for payment in self.by_id.values()
            if any(asked.requested_at + PATIENCE <= now for asked in payment.open_transactions)
        ]
        return unsettled[:limit]

    async def ids_of(self, references):
        known = {payment.psp_reference: payment.id for payment in self.by_id.values()}
        return {each: known[each] for each in references if each in known}

    async def expired(self, *, limit, now):
        due = [
            payment.id
            for payment in self.by_id.values()
            if payment.expires_at
            and payment.expires_at <= now
            and not payment.closed
            and payment.remaining.minor_units
        ]
        return due[:limit]

    async def save(self, payments):
        for payment in payments:
            if payment.transactions or payment.closed:
                self.by_id[payment.id] = payment
                self.events += payment.pull_events()


class InMemoryPsp:
    """
    A PSP that does everything once a key.

    Attributes:
        done: What it has done, by key: the verb and the amount.
        answers: What it answers to the next asks, one a call, before it goes on as usual.
        moves: What it moves instead of what it is asked.
        before, after: What happens elsewhere while it is asked, once.
    """

    def __init__(self):
        self.done = {}
        self.asks = []
        self.requests = []
        self.moves = None
        self.expires_at = None
        self.answers = []
        self.before = None
        self.after = None

    async def authorize(self, requests):
        return await self._answer("authorize", requests)

    async def capture(self, requests):
        return await self._answer("capture", requests)

    async def void(self, requests):
        return await self._answer("void", requests)

    async def increment(self, requests):
        return await self._answer("increment", requests)

    async def refund(self, requests):
        return await self._answer("refund", requests)

    async def _answer(self, verb, requests):
        if self.before:
            before, self.before = self.before, None
            await before()
        self.asks.append((verb, len(requests)))
        self.requests += requests
        answer = self.answers.pop(0) if self.answers else None
        if answer is None or answer == NoAnswer():  # it does it, and may not say so
            for request in requests:
                self.done.setdefault(request.key, (verb, request.amount))
        if self.after:
            after, self.after = self.after, None
            await after()
        return {
            request.key: answer
            or Approved(
                PspReference(f"psp_{request.key}"),
                self.moves or request.amount,
                self.expires_at if verb == "authorize" else None,
            )
            for request in requests
        }


@pytest.fixture
def world():
    return PaymentWorld()


@pytest.fixture
def payment_id():
    return PaymentId(UUID(int=1))


@pytest.fixture
def increment_id():
    return IncrementId(UUID(int=301))


@pytest.fixture
def refund_id():
    return RefundId(UUID(int=201))


@pytest.fixture
def capture_id():
    return CaptureId(UUID(int=101))
