"""The HTTP API that merchants use: authentication, routes, idempotency keys under way."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from aiohttp import web

from deploy.psp.answers import Answer, answer_to
from deploy.psp.counter import Request, fingerprint_of
from deploy.psp.faults import AFTER, BEFORE, Fault, Faults, Occasion
from deploy.psp.forms import Form, expansions_in, form_from
from deploy.psp.lane import Lane
from deploy.psp.lists import Reader
from deploy.psp.outages import OUTAGES
from deploy.psp.refusals import Malformed, Refusal
from deploy.psp.verbs.authorize import authorize_from
from deploy.psp.verbs.cancel import cancel_from
from deploy.psp.verbs.capture import capture_from
from deploy.psp.verbs.disputes import contest_from
from deploy.psp.verbs.increment import increment_from
from deploy.psp.verbs.refunds import give_back_from

log = logging.getLogger(__name__)

LONGEST_KEY = 255
# For a client that waits longer than this, a timeout is a broken connection.
LONGEST_SILENCE_SECONDS = 60.0

# What follows `/v1/payment_intents/{id}/`.
FOLLOW_UPS: Mapping[str, Callable[[str, Form], Any]] = {
    "capture": capture_from,
    "cancel": cancel_from,
    "increment_authorization": increment_from,
}


class Api:
    """
    Args:
        accounts: Account by API key.
        lane: Carries out what changes something.
        reader: Answers what only looks.
    """

    def __init__(
        self,
        accounts: Mapping[str, str],
        lane: Lane[Request, Answer],
        reader: Reader,
        faults: Faults,
    ) -> None:
        self._accounts = accounts
        self._lane = lane
        self._reader = reader
        self._faults = faults
        self._under_way: set[tuple[str, str]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/payment_intents", self._post),
            web.post("/v1/payment_intents/{id}/{what}", self._post),
            web.post("/v1/refunds", self._post),
            web.post("/v1/disputes/{id}", self._post),
            web.get("/v1/{kind}", self._list),
            web.get("/v1/{kind}/{id}", self._retrieve),
        ]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        try:
            account = self._account_of(request)
            body = await request.text()
            form = form_from(body)
            asked = Request(
                account=account,
                command=command_from(request, form),
                key=key_of(request),
                fingerprint=fingerprint_of(request.path, body),
                expand=expansions_in(form),
            )
        except Refusal as refusal:
            return response_to(answer_to(refusal))

        async def answer() -> Answer:
            return await self._once(asked)

        return await self._misbehaving(request, Occasion(account, asked.verb), answer)

    async def _once(self, asked: Request) -> Answer:
        """
        Carry out *asked*, unless the same key is being worked on.
        """
        name = (asked.account, asked.key)
        if asked.key and name in self._under_way:
            return IN_USE
        self._under_way.add(name)
        try:
            return await self._lane(asked)
        finally:
            self._under_way.discard(name)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return await self._read(
            request, "list", lambda account: self._reader.page(account, request.path, request.query)
        )

    async def _retrieve(self, request: web.Request) -> web.StreamResponse:
        kind, id_ = request.match_info["kind"], request.match_info["id"]
        return await self._read(
            request,
            "retrieve",
            lambda account: self._reader.retrieve(account, kind, id_, request.query_string),
        )

    async def _read(
        self, request: web.Request, verb: str, look: Callable[[str], Awaitable[Any]]
    ) -> web.StreamResponse:
        try:
            account = self._account_of(request)
        except Refusal as refusal:
            return response_to(answer_to(refusal))

        async def answer() -> Answer:
            try:
                return Answer(status=200, body=orjson.dumps(await look(account)))
            except Refusal as refusal:
                return answer_to(refusal)

        return await self._misbehaving(request, Occasion(account, verb), answer)

    async def _misbehaving(
        self, request: web.Request, occasion: Occasion, answer: Callable[[], Awaitable[Answer]]
    ) -> web.StreamResponse:
        """
        Answer *request*, in the way that has been commanded.
        """
        for fault in self._faults.strike(occasion, BEFORE):
            if fault.kind == "slow":
                await asyncio.sleep(fault.ms / 1000)
            elif fault.kind == "down":
                return response_to(DOWN)
            else:
                return await hang_up(request, fault)
        try:
            given = await answer()
        except OUTAGES as error:
            log.warning("the records cannot be reached: %s", type(error).__name__)
            return response_to(DOWN)
        for fault in self._faults.strike(occasion, AFTER):
            return await hang_up(request, fault)
        if given.cut:
            return await hang_up(request)
        return response_to(given)

    def _account_of(self, request: web.Request) -> str:
        """
        Raises:
            Refusal: The API key is missing or unknown.
        """
        key = api_key_in(request.headers.get("Authorization", ""))
        account = self._accounts.get(key)
        if account is None:
            raise Refusal("Invalid API Key provided.", status=401)
        return account


def api_key_in(header: str) -> str:
    """
    Return the API key of an Authorization header: a bearer's, or a user name without a password.
    """
    scheme, _, value = header.partition(" ")
    if scheme == "Bearer":
        return value.strip()
    if scheme == "Basic":
        try:
            return base64.b64decode(value).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def key_of(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > LONGEST_KEY:
        raise Malformed(f"Idempotency keys have up to {LONGEST_KEY} characters.")
    return key


def command_from(request: web.Request, form: Form) -> Any:
    """
    Return what a POST asks for.

    Raises:
        Malformed: It makes no sense.
    """
    named = request.match_info
    if request.path == "/v1/payment_intents":
        return authorize_from(form)
    if request.path == "/v1/refunds":
        return give_back_from(form)
    if request.path.startswith("/v1/disputes/"):
        return contest_from(named["id"], form)
    follow_up = FOLLOW_UPS.get(named["what"])
    if follow_up is None:
        raise Malformed(f"Unrecognized request URL (POST: {request.path}).", status=404)
    return follow_up(named["id"], form)


def response_to(answer: Answer) -> web.Response:
    headers = {"Idempotent-Replayed": "true"} if answer.replayed else None
    return web.Response(
        status=answer.status, body=answer.body, headers=headers, content_type="application/json"
    )


async def hang_up(request: web.Request, fault: Fault | None = None) -> web.Response:
    """
    Break the connection instead of answering: at once, or after a silence.
    """
    if fault:
        await asyncio.sleep(min(fault.ms / 1000, LONGEST_SILENCE_SECONDS))
    if request.transport:
        request.transport.abort()
    return web.Response(status=503)


IN_USE = answer_to(
    Refusal(
        "There is currently another in-progress request using this Idempotency Key.",
        status=409,
        kind="idempotency_error",
        code="idempotency_key_in_use",
    )
)
DOWN = answer_to(Refusal("We are having trouble; try again.", status=503, kind="api_error"))
