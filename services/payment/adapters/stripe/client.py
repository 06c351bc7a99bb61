"""An account at Stripe, reached by its SDK."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import aiohttp
import stripe

from services.payment.adapters.stripe.replies import Reply, reply_to

# The SDK logs addresses at INFO and whole requests at DEBUG, tokens and all.
logging.getLogger("stripe").setLevel(logging.WARNING)
# What it measures of us is nobody's business.
stripe.enable_telemetry = False

# As many objects as Stripe lists in one go.
PAGE = 100

# Parameters as Stripe's documentation has them. The SDK's own types are closed: they would have to
# be written out again here.
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
        self._v1 = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else None,
            # Asking again is for `questions` to decide.
            max_network_retries=0,
            http_client=stripe.AIOHTTPClient(timeout=None, session=session),
        ).v1

    async def authorize(self, params: Any, *, idempotency_key: str) -> Reply:
        return await reply_to(
            self._v1.payment_intents.create_async(params, {"idempotency_key": idempotency_key})
        )

    async def increment(self, intent: str, params: Any, *, idempotency_key: str) -> Reply:
        return await reply_to(
            self._v1.payment_intents.increment_authorization_async(
                intent, params, {"idempotency_key": idempotency_key}
            )
        )

    async def capture(self, intent: str, params: Any, *, idempotency_key: str) -> Reply:
        return await reply_to(
            self._v1.payment_intents.capture_async(
                intent, params, {"idempotency_key": idempotency_key}
            )
        )

    async def cancel(self, intent: str, *, idempotency_key: str) -> Reply:
        return await reply_to(
            self._v1.payment_intents.cancel_async(intent, {}, {"idempotency_key": idempotency_key})
        )

    async def refund(self, params: Any, *, idempotency_key: str) -> Reply:
        return await reply_to(
            self._v1.refunds.create_async(params, {"idempotency_key": idempotency_key})
        )

    async def submit_evidence(self, dispute: str, params: Any, *, idempotency_key: str) -> Reply:
        return await reply_to(
            self._v1.disputes.update_async(dispute, params, {"idempotency_key": idempotency_key})
        )

    async def intent(self, intent: str) -> Reply:
        whole: Any = {"expand": ["latest_charge"]}
        return await reply_to(self._v1.payment_intents.retrieve_async(intent, whole))

    async def refund_as_it_is(self, refund: str) -> Reply:
        return await reply_to(self._v1.refunds.retrieve_async(refund))

    async def dispute(self, dispute: str) -> Reply:
        return await reply_to(self._v1.disputes.retrieve_async(dispute))

    def intents_between(self, earliest: datetime, latest: datetime) -> AsyncIterator[Reply]:
        """
        Yield pages of the payment intents made between *earliest* and *latest*, newest first.
        """
        between = {"gte": int(earliest.timestamp()), "lte": int(latest.timestamp()) + 1}
        return self._pages(self._v1.payment_intents.list_async, {"created": between})

    def refunds_of(self, intent: str) -> AsyncIterator[Reply]:
        return self._pages(self._v1.refunds.list_async, {"payment_intent": intent})

    async def _pages(self, list_async: Any, params: Params) -> AsyncIterator[Reply]:
        """
        Yield pages until one ends the list, or is no success.
        """
        params = {**params, "limit": PAGE}
        while True:
            page = await reply_to(list_async(params))
            yield page
            if not (page.is_success and page.body.get("has_more") and page.body["data"]):
                return
            params["starting_after"] = page.body["data"][-1]["id"]
