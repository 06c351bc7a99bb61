import asyncio
import os
import socket
import sys
from dataclasses import dataclass, replace
from datetime import timedelta

import aiohttp
import pytest

from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from chassis.kernel.psp_token import PspToken
from deploy.local.ports import HOST, Ports
from services.payment.adapters.stripe.accounts import Account
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.connections import StripeConnections
from services.payment.adapters.stripe.psp import StripePsp
from services.payment.application.ports import AuthorizationRequest, FollowUpRequest
from services.payment.domain.values import (
    MAIN_MERCHANT,
    PaymentId,
    PspAccount,
    TransactionId,
)

MAIN = PspAccount("main")
EUR_100, EUR_60, EUR_40 = Money(100_00, "EUR"), Money(60_00, "EUR"), Money(40_00, "EUR")

# What a request can suffer at the simulated PSP so that its answer does not come.
FAULTS = (
    "down",
    "error_after_success",
    "error_without_effect",
    "timeout_before",
    "timeout_after_success",
)


# On the slowest machine.
START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    """
    Somebody who speaks Stripe's API.

    Attributes:
        card: What can be drawn on.
        multicapture: Whether it can take of a payment several times.
    """

    api_base: str
    api_key: str
    card: PspToken
    multicapture: bool

    def at(self, api_base):
        return replace(self, api_base=api_base)

    def without_multicapture(self):
        return replace(self, multicapture=False)

    def with_key(self, api_key):
        return replace(self, api_key=api_key)


@pytest.fixture(scope="session")
async def localstripe():
    """
    A peer that nobody here wrote, as a process of its own.

    It is GPL: it is never imported.
    """
    try:
        with socket.socket(socket.AF_INET6) as free:
            free.bind(("::", 0))
            port = free.getsockname()[1]
    except OSError:
        pytest.skip("localstripe listens by IPv6 alone, which this machine has not")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "localstripe", "--from-scratch", "--port", str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    base, key = f"http://127.0.0.1:{port}", "sk_test_localstripe"
    try:
        yield Peer(api_base=base, api_key=key, card=await card_at(base, key), multicapture=False)
    finally:
        process.terminate()
        await process.wait()


@pytest.fixture
async def simulated(psp_server):
    """
    The simulated PSP, which behaves when a test begins.
    """
    return Peer(
        api_base=psp_server.url,
        api_key=psp_server.api_key,
        card=PspToken("tok_visa"),
        multicapture=True,
    )


async def card_at(base, key):
    """
    Return a payment method of the peer at *base*, once it is up. It knows no tokens of its own.
    """
    form = {
        "type": "card",
        "card[number]": "4242424242424242",
        "card[exp_month]": "12",
        "card[exp_year]": "2040",
        "card[cvc]": "123",
    }
    headers = {"Authorization": f"Bearer {key}"}
    async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession(headers=headers) as http:
        while True:
            try:
                async with http.post(f"{base}/v1/payment_methods", data=form) as answer:
                    return PspToken((await answer.json())["id"])
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Journey:
    """
    One payment, asked for at a peer through the adapter.
    """

    psp: StripePsp
    accounts: dict[PspAccount, StripeAccount]
    card: PspToken
    payment_id: PaymentId

    async def authorize(
        self,
        amount=EUR_100,
        *,
        card=None,
        key=None,
        asked_before=False,
        age=timedelta(),
        via=None,
    ):
        request = AuthorizationRequest(
            key=key or TransactionId(new_id()),
            account=MAIN,
            payment_id=self.payment_id,
            merchant=MAIN_MERCHANT,
            amount=amount,
            token=PspToken(card) if card else self.card,
            requested_at=system_clock() - age,
            asked_before=asked_before,
        )
        return (await (via or self.psp).authorize([request]))[request.key]

    def requests(self, count):
        """
        Return what asks for *count* other payments.
        """
        return [
            AuthorizationRequest(
                key=TransactionId(new_id()),
                account=MAIN,
                payment_id=PaymentId(new_id()),
                merchant=MAIN_MERCHANT,
                amount=EUR_100,
                token=self.card,
                requested_at=system_clock(),
                asked_before=False,
            )
            for _ in range(count)
        ]

    async def capture(self, approved, amount, **more):
        return await self._follow_up("capture", approved, amount, **more)

    async def increment(self, approved, amount, **more):
        return await self._follow_up("increment", approved, amount, **more)

    async def void(self, approved, amount, **more):
        return await self._follow_up("void", approved, amount, **more)

    async def refund(self, approved, amount, **more):
        return await self._follow_up("refund", approved, amount, **more)

    async def _follow_up(
        self,
        verb,
        approved,
        amount,
        *,
        key=None,
        last=False,
        asked_before=False,
        age=timedelta(),
        via=None,
    ):
        request = FollowUpRequest(
            key=key or TransactionId(new_id()),
            account=MAIN,
            payment_id=self.payment_id,
            authorization=approved.reference,
            amount=amount,
            total=approved.moved + amount,
            requested_at=system_clock() - age,
            asked_before=asked_before,
            last=last,
            reason="as agreed",
        )
        return (await getattr(via or self.psp, verb)([request]))[request.key]


@pytest.fixture
def free_address():
    return f"{HOST}:{Ports({}).take()}"


@pytest.fixture
async def journey_at():
    """
    Return a payment's journey at a peer: `journey_at(peer)`.
    """
    opened = []

    def begin(peer, *, seconds=10.0):
        account = Account(
            name=MAIN,
            api_key=peer.api_key,
            api_base=peer.api_base,
            multicapture=peer.multicapture,
        )
        connections = StripeConnections([account], connections=8)
        opened.append(connections)
        psp = StripePsp(connections.accounts, seconds=seconds, clock=system_clock)
        return Journey(psp, connections.accounts, peer.card, PaymentId(new_id()))

    yield begin
    for connections in opened:
        await connections.close()
