"""What a merchant has: payments to ask for, and somebody who takes events in."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from aiohttp import web

from deploy.local.ports import HOST, Ports

MULTICAPTURE = {
    "card": {
        "request_multicapture": "if_available",
        "request_incremental_authorization": "if_available",
    }
}


def authorization_of(amount=100_00, *, token="tok_visa", currency="eur", **more):
    return {
        "amount": amount,
        "currency": currency,
        "confirm": True,
        "capture_method": "manual",
        "payment_method_data": {"type": "card", "card": {"token": token}},
        "payment_method_options": MULTICAPTURE,
        "metadata": {"payment_id": str(uuid4()), "merchant_id": "main"},
        **more,
    }


@dataclass
class Receiver:
    """
    Takes events in, and remembers every request.

    Attributes:
        received: Bodies with the header that signs them, in the order of their arrival.
        refuse: How many more are answered with an error.
    """

    url: str = ""
    received: list[tuple[bytes, str]] = field(default_factory=list)
    refuse: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request):
        async with self._arrived:
            self.received.append((await request.read(), request.headers["Stripe-Signature"]))
            self._arrived.notify_all()
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=500)
        return web.Response()

    async def until(self, condition):
        """
        Wait until *condition* holds, which is looked at when something has arrived.
        """
        async with asyncio.timeout(15), self._arrived:
            await self._arrived.wait_for(condition)


@asynccontextmanager
async def receiver_at(address):
    receiver = Receiver(url=f"http://{address}/webhooks/main")
    app = web.Application()
    app.add_routes([web.post("/webhooks/main", receiver.take)])
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    host, port = address.split(":")
    await web.TCPSite(runner, host, int(port)).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


@pytest.fixture
def free_address():
    return f"{HOST}:{Ports({}).take()}"


@pytest.fixture
def authorization():
    return authorization_of


@pytest.fixture
def key():
    return lambda: {"idempotency_key": str(uuid4())}


@pytest.fixture
def intents(psp_server):
    return psp_server.stripe.v1.payment_intents


@pytest.fixture
def refunds(psp_server):
    return psp_server.stripe.v1.refunds


@pytest.fixture
async def intent(intents):
    return await intents.create_async(authorization_of())


@pytest.fixture
async def captured(intents, intent):
    return await intents.capture_async(intent.id)


@pytest.fixture
def eventually():
    """
    Wait until something becomes true: `await eventually(is_over)`.
    """

    async def wait(condition):
        async with asyncio.timeout(15):
            while not await condition():
                await asyncio.sleep(0.02)

    return wait
