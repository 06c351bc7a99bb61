"""An account at Stripe, reached by its SDK."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import stripe

from services.payment.adapters.stripe.replies import Reply, reply_to

# The SDK logs addresses at INFO and whole requests at DEBUG, tokens and all.
logging.getLogger("stripe").setLevel(logging.WARNING)
# What it measures of us is nobody's business.
stripe.enable_telemetry = False

# As many objects as Stripe lists in one go.
PAGE = 100

# Parameters as Stripe's documentation has them. The SDK is asked for its answers as they came: to
# make objects of them took half as much time again as everything else (measured).
Params = dict[str, Any]


class StripeAccount:
    """
    Args:
        api_base: Where the API is; empty: at Stripe.
        multicapture: Whether it may take of an intent several times, and add to it.
        session: The connections, kept open and bounded; not closed here.
    """

    def __init__(
        self, *, api_key: str, api_base: str, multicapture: bool, session: aiohttp.ClientSession
    ) -> None:
        self.multicapture = multicapture
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else None,
            # Asking again is for `questions` to decide.
            max_network_retries=0,
            http_client=stripe.AIOHTTPClient(timeout=None, session=session),
        )

    async def authorize(self, params: Params, *, key: str) -> Reply:
        return await self._post("payment_intents", params, key=key)

    async def increment(self, intent: str, params: Params, *, key: str) -> Reply:
        path = f"payment_intents/{_safe(intent)}/increment_authorization"
        return await self._post(path, params, key=key)

    async def capture(self, intent: str, params: Params, *, key: str) -> Reply:
        return await self._post(f"payment_intents/{_safe(intent)}/capture", params, key=key)

    async def cancel(self, intent: str, *, key: str) -> Reply:
        return await self._post(f"payment_intents/{_safe(intent)}/cancel", {}, key=key)

    async def refund(self, params: Params, *, key: str) -> Reply:
        return await self._post("refunds", params, key=key)

    async def submit_evidence(self, dispute: str, params: Params, *, key: str) -> Reply:
        return await self._post(f"disputes/{_safe(dispute)}", params, key=key)

    async def intent(self, intent: str) -> Reply:
        return await self._get(f"payment_intents/{_safe(intent)}", {"expand": ["latest_charge"]})

    async def refund_as_it_is(self, refund: str) -> Reply:
        return await self._get(f"refunds/{_safe(refund)}", {})

    async def dispute(self, dispute: str) -> Reply:
        return await self._get(f"disputes/{_safe(dispute)}", {})

    def intents_between(self, earliest: datetime, latest: datetime) -> AsyncIterator[Reply]:
        """
        Yield pages of the payment intents made between *earliest* and *latest*, newest first.
        """
        between = {"gte": int(earliest.timestamp()), "lte": int(latest.timestamp()) + 1}
        return self._pages("payment_intents", {"created": between})

    def refunds_of(self, intent: str) -> AsyncIterator[Reply]:
        return self._pages("refunds", {"payment_intent": intent})

    def events_since(self, earliest: datetime, type_: str) -> AsyncIterator[Reply]:
        """
        Yield pages of the events of *type_* that happened since *earliest*, newest first.
        """
        since = {"gte": int(earliest.timestamp())}
        return self._pages("events", {"created": since, "type": type_})

    def balance_transactions(
        self, since: datetime, until: datetime, *, after: str
    ) -> AsyncIterator[Reply]:
        """
        Yield pages of what changed the balance from *since* inclusive to *until* exclusive, newest
        first: what comes behind *after*, or all if it is empty. Both times are whole seconds.
        """
        between = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
        params: Params = {"created": between, "expand": ["data.source"]}
        if after:
            params["starting_after"] = after
        return self._pages("balance_transactions", params)

    async def _pages(self, path: str, params: Params) -> AsyncIterator[Reply]:
        """
        Yield the pages of a list until one ends it, or is no success.
        """
        params = {**params, "limit": PAGE}
        while True:
            page = await self._get(path, params)
            yield page
            if not (page.is_success and page.body.get("has_more") and page.body["data"]):
                return
            params["starting_after"] = page.body["data"][-1]["id"]

    async def _post(self, path: str, params: Params, *, key: str) -> Reply:
        return await reply_to(
            self._client.raw_request_async("post", f"/v1/{path}", idempotency_key=key, **params)
        )

    async def _get(self, path: str, params: Params) -> Reply:
        return await reply_to(self._client.raw_request_async("get", f"/v1/{path}", **params))


def _safe(id_: str) -> str:
    return quote(id_, safe="")
