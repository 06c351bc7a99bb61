"""Whoever answers instead of Stripe: nothing that is said counts, and nothing of it hurts."""

import pytest
from aiohttp import web

from chassis.kernel.ids import new_id
from chassis.kernel.money import Money
from services.payment.domain.values import Approved, NoAnswer, PspReference, TransactionId
from tests.integration.payment.stripe.conftest import EUR_40, EUR_100

ANSWERS = {
    "a page": {"text": "<html>Hello</html>", "content_type": "text/html"},
    "nothing": {"text": ""},
    "a list": {"text": "[]"},
    "an empty object": {"text": "{}"},
    "an object without a status": {"text": '{"id": "pi_1"}'},
    "a currency that there is not": {
        "text": '{"id": "pi_1", "status": "requires_capture", "amount": 1, "currency": "?"}'
    },
    "no UTF-8": {"body": b"\xff\xfe"},
    "a page that is not there": {"text": "<html>Not found</html>", "status": 404},
    "an error that is none": {"text": '{"error": "no"}', "status": 400},
    "a gateway": {"text": "<html>Bad gateway</html>", "status": 502},
    "elsewhere": {"status": 302, "headers": {"Location": "/"}},
}


@pytest.fixture(params=list(ANSWERS))
async def stranger(request, free_address):
    """
    Somebody who answers the same to every question.
    """

    async def answer(_request):
        return web.Response(**ANSWERS[request.param])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    host, port = free_address.split(":")
    await web.TCPSite(runner, host, int(port)).start()
    yield f"http://{free_address}"
    await runner.cleanup()


async def test_a_strangers_answer_is_no_answer(stranger, localstripe, journey_at):
    journey = journey_at(localstripe.at(stranger))
    approved = Approved(PspReference("pi_1"), EUR_100)

    answers = [
        await journey.authorize(),
        await journey.authorize(Money(500, "JPY"), key=TransactionId(new_id())),
        *[
            await ask(approved, EUR_40)
            for ask in (journey.increment, journey.capture, journey.refund, journey.void)
        ],
    ]

    assert answers == [NoAnswer()] * 6
