"""
The HTTP face of the payment service: where the PSP tells what happens.

    POST /webhooks/{account}    signed by the PSP, for the account of that name
    GET  /health

A webhook is written down and answered, and worked off later: the PSP need not wait, and what it
was told 200 for is safe. Whatever dies before that answer, the PSP sends it again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web

from chassis.gather import Gathered
from chassis.kernel.clock import Clock
from chassis.outages import is_outage
from chassis.wake import Wake
from services.payment.application.ports import UnitOfWork
from services.payment.application.webhooks.ports import PspEvent, PspEventId
from services.payment.application.webhooks.receive_psp_events import receive_psp_events
from services.payment.domain.values import PspAccount
from services.payment.entrypoints.metrics import WEBHOOKS
from services.payment.entrypoints.webhook_signature import SignatureRefused, check_signature

log = logging.getLogger(__name__)

MOST_BYTES = 1024 * 1024
# How long the body may take to arrive, and the answer to be ready.
READ_SECONDS = 10.0
# The process cancels its jobs again after a second.
DRAIN_SECONDS = 0.8

Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}$")]


class _Body(msgspec.Struct):
    """
    As much of an event as is looked at before it is worked off.
    """

    id: Word
    type: Word
    created: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]


class WebhookPortTaken(SystemExit):
    """
    Webhooks cannot be listened for on that address.
    """


class WebhookServer:
    """
    Listens for webhooks.

    Args:
        address: Where, such as 127.0.0.1:8090.
        secrets: What each account may sign with: two while one takes over from the other.
        received: Rung when there is something to work off.
    """

    def __init__(
        self,
        *,
        address: str,
        secrets: Mapping[str, Sequence[str]],
        uow: UnitOfWork,
        clock: Clock,
        received: Wake,
    ) -> None:
        self._address = address
        self._secrets = secrets
        self._clock = clock
        self._received = received
        self._receive = Gathered(partial(receive_psp_events, uow=uow))

    async def run(self) -> None:
        """
        Listen until cancelled.

        Raises:
            WebhookPortTaken: That is not possible there.
        """
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=DRAIN_SECONDS)
        await runner.setup()
        host, _, port = self._address.rpartition(":")
        try:
            await web.TCPSite(runner, host.strip("[]"), int(port)).start()
            await asyncio.Event().wait()
        except (OSError, ValueError) as error:
            raise WebhookPortTaken(
                f"cannot listen on {self._address} ({error}): set WEBHOOK_ADDRESS to a free"
                " address, such as 127.0.0.1:8090, or leave it empty"
            ) from None
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post("/webhooks/{account}", self._hear)
        application.router.add_get("/health", _healthy)
        return application

    async def _hear(self, request: web.Request) -> web.Response:
        account = request.match_info["account"]
        try:
            async with asyncio.timeout(READ_SECONDS):
                body = await request.read()
            check_signature(
                request.headers.get("Stripe-Signature", ""),
                body,
                secrets=self._secrets_of(account),
                now=self._clock(),
            )
            event = event_from_body(body, PspAccount(account), now=self._clock())
        except TimeoutError:
            WEBHOOKS.labels("", "too_slow").inc()
            return _refused(408, "TOO_SLOW", f"a webhook arrives within {READ_SECONDS:g} s")
        except web.HTTPRequestEntityTooLarge:
            WEBHOOKS.labels("", "too_large").inc()
            return _refused(413, "TOO_LARGE", f"a webhook has {MOST_BYTES:,} bytes at most")
        except web.RequestPayloadError:
            WEBHOOKS.labels("", "unreadable").inc()
            return _refused(400, "UNREADABLE", "the body is not encoded as its headers say")
        except SignatureRefused as refusal:
            WEBHOOKS.labels("", refusal.reason.lower()).inc()
            log.warning("webhook from %s refused: %s", request.remote, refusal.reason)
            return _refused(400, refusal.reason, str(refusal))
        return await self._write_down(event)

    async def _write_down(self, event: PspEvent) -> web.Response:
        try:
            async with asyncio.timeout(READ_SECONDS):
                is_new = await self._receive(event)
        except Exception as error:
            if not is_outage(error):
                raise
            # The PSP sends it again.
            WEBHOOKS.labels(event.type, "unavailable").inc()
            log.warning("webhook %s not written down: %s", event.id, type(error).__name__)
            return _refused(503, "UNAVAILABLE", "send it again")
        self._received.ring()
        WEBHOOKS.labels(event.type, "accepted" if is_new else "repeated").inc()
        return web.json_response({"received": True})

    def _secrets_of(self, account: str) -> Sequence[str]:
        if account not in self._secrets:
            raise SignatureRefused("ACCOUNT_UNKNOWN", "no such account is configured")
        return self._secrets[account]


def event_from_body(body: bytes, account: PspAccount, *, now: datetime) -> PspEvent:
    """
    Raises:
        SignatureRefused: It is signed, and no event all the same.
    """
    try:
        read, payload = msgspec.json.decode(body, type=_Body), body.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SignatureRefused("EVENT_MALFORMED", "an event has id, type and created") from None
    return PspEvent(
        account=account,
        id=PspEventId(read.id),
        type=read.type,
        payload=payload,
        created_at=datetime.fromtimestamp(read.created, UTC),
        received_at=now,
    )


async def _healthy(_request: web.Request) -> web.Response:
    return web.json_response({"status": "serving"})


def _refused(status: int, reason: str, message: str) -> web.Response:
    return web.json_response({"error": {"reason": reason, "message": message}}, status=status)
