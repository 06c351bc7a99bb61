"""Ask Stripe to set money aside: a payment intent, confirmed at once and captured later."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.amounts import amount_of
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.intents import (
    AUTHENTICATION_REQUIRED,
    REQUIRES_ACTION,
    Object,
    authorization_answer,
)
from services.payment.adapters.stripe.keys import keys_of
from services.payment.adapters.stripe.replies import Reply, Silence, Verdict, verdict_on
from services.payment.application.ports import AuthorizationRequest
from services.payment.domain.values import Declined, NoAnswer, PspAnswer, TransactionId

log = logging.getLogger(__name__)

# By how much Stripe's clock may be behind ours.
CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    account: StripeAccount
    request: AuthorizationRequest
    now: datetime

    # Among all that was authorized meanwhile: not before it must be.
    looks_at_once = False

    @property
    def key(self) -> TransactionId:
        return self.request.key

    async def ask(self, idempotency_key: str) -> Verdict:
        reply = await self.account.authorize(self._params(), key=idempotency_key)
        if not reply.is_success:
            return verdict_on(reply, authorization_answer)
        answer = await self._answer(reply.body)
        if reply.replayed and isinstance(answer, NoAnswer):
            # It was on its way when this was answered first.
            return await self._current(reply.body["id"])
        return answer

    async def look(self) -> PspAnswer | None:
        """
        Look through all that was set aside since this was asked for first.

        Cost: a request per hundred. It is done only when Stripe failed for good (a replayed 5xx),
        or after a day without an answer.
        """
        earliest = self.request.requested_at - CLOCKS_APART
        # It was mostly made at once, so that is where to look first.
        soon = self.request.requested_at + CLOCKS_APART
        for pages in (
            self.account.intents_between(earliest, soon),
            self.account.intents_between(soon, self.now + CLOCKS_APART),
        ):
            async for page in pages:
                if not page.is_success:
                    return NoAnswer()
                if found := self._in(page):
                    return await self._current(found["id"])
        return None

    def _in(self, page: Reply) -> Object | None:
        intents: Sequence[Object] = page.body["data"]
        for intent in intents:
            metadata = intent.get("metadata") or {}
            if marks.transaction_in(metadata, marks.AUTHORIZATION) == self.key:
                return intent
        return None

    async def _cancelled(self, intent: Object) -> PspAnswer:
        """
        Cancel what waits for the payer, so that it cannot be set aside once we have forgotten it.
        """
        # Done once under whatever key, so that a failure that is kept needs only another.
        for idempotency_key in keys_of(f"{self.key}-unattended", timedelta()):
            reply = await self.account.cancel(intent["id"], key=idempotency_key)
            if verdict_on(reply, authorization_answer) is not Silence.SPENT:
                break
        if reply.is_success and reply.body["status"] == "canceled":
            return Declined(AUTHENTICATION_REQUIRED)
        # Somebody was faster; if with an authentication, it is approved after all.
        reply = await self.account.intent(intent["id"])
        return authorization_answer(reply.body) if reply.is_success else NoAnswer()

    async def _current(self, intent: str) -> PspAnswer:
        """
        Read *intent* as it is: whole, and now.
        """
        reply = await self.account.intent(intent)
        if not reply.is_success:
            return NoAnswer()
        return await self._answer(reply.body)

    async def _answer(self, intent: Object) -> PspAnswer:
        if intent["status"] == REQUIRES_ACTION:
            return await self._cancelled(intent)
        return authorization_answer(intent)

    def _params(self) -> dict[str, Any]:
        params: dict[str, Any] = {
            "amount": amount_of(self.request.amount),
            "currency": self.request.amount.currency.lower(),
            "confirm": True,
            "capture_method": "manual",
            "expand": ["latest_charge"],
            "metadata": {
                marks.PAYMENT: str(self.request.payment_id),
                marks.MERCHANT: str(self.request.merchant),
                marks.AUTHORIZATION: str(self.key),
            },
            **payment_method(self.request.token.text),
        }
        if self.account.multicapture:
            wish = "if_available"
            params["payment_method_options"] = {
                "card": {
                    "request_multicapture": wish,
                    "request_incremental_authorization": wish,
                }
            }
        return params


def payment_method(token: str) -> dict[str, Any]:
    """
    Return how Stripe is told what to draw on: a payment method, or a card's token.
    """
    if token.startswith("tok_"):
        return {"payment_method_data": {"type": "card", "card": {"token": token}}}
    return {"payment_method": token}
