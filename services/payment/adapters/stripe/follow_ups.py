"""Ask Stripe to add to what it has set aside, to take of it, or to give it back."""

from dataclasses import dataclass
from typing import Any

from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.amounts import amount_of
from services.payment.adapters.stripe.client import StripeAccount
from services.payment.adapters.stripe.intents import (
    CANCELED,
    REQUIRES_CAPTURE,
    SUCCEEDED,
    Object,
    capture_answer,
    capture_in,
    increment_answer,
    increment_in,
    is_given_back,
)
from services.payment.adapters.stripe.replies import Reply, Silence, Verdict, verdict_on
from services.payment.application.ports import FollowUpRequest
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    PspAnswer,
    PspReference,
    TransactionId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """
    What is asked about a payment intent; all that it takes to look is to read that.
    """

    account: StripeAccount
    request: FollowUpRequest

    looks_at_once = True

    @property
    def key(self) -> TransactionId:
        return self.request.key

    async def look(self) -> PspAnswer | None:
        reply = await self.account.intent(self.request.authorization)
        if not (reply.is_success and self._is_meant(reply.body)):
            return NoAnswer()
        return self._found_in(reply.body)

    def _verdict_on(self, reply: Reply) -> Verdict:
        return verdict_on(
            reply,
            lambda intent: self._answer(intent) if self._is_meant(intent) else NoAnswer(),
        )

    def _is_meant(self, intent: Object) -> bool:
        """
        Return whether *intent* is what was asked about, and stands as it can when that was done.
        """
        return (
            intent["id"] == self.request.authorization
            and intent["currency"] == self.request.amount.currency.lower()
            and intent["status"] in (REQUIRES_CAPTURE, SUCCEEDED, CANCELED)
        )

    def _answer(self, intent: Object) -> PspAnswer:
        """
        Return what *intent* says once this was done.
        """
        raise NotImplementedError

    def _found_in(self, intent: Object) -> PspAnswer | None:
        raise NotImplementedError


class Increment(FollowUp):
    async def ask(self, idempotency_key: str) -> Verdict:
        added = amount_of(self.request.amount)
        params = {
            "amount": amount_of(self.request.total),
            "metadata": marks.of_transaction(marks.INCREMENT, self.key, added),
        }
        return self._verdict_on(
            await self.account.increment(self.request.authorization, params, key=idempotency_key)
        )

    def _answer(self, intent: Object) -> PspAnswer:
        return increment_answer(intent, self.request.amount)

    def _found_in(self, intent: Object) -> PspAnswer | None:
        return increment_in(intent, self.key)


class Capture(FollowUp):
    """
    An account without multicapture takes once of an intent, and gives up the rest with that: so
    that an intent which was taken of is one of which this was taken.
    """

    async def ask(self, idempotency_key: str) -> Verdict:
        reply = await self._ask(idempotency_key, final=self.request.last)
        verdict = self._verdict_on(reply)
        if verdict is Silence.REUSED and self.account.multicapture:
            # Whether it is the last was another matter when it was asked first.
            reply = await self._ask(idempotency_key, final=not self.request.last)
        elif reply.error.get("param") == "final_capture":
            # This card is captured once: what is asked for is taken, and the rest given up. Under
            # a key of its own, as Stripe may keep the refusal.
            reply = await self._ask(f"{idempotency_key}-final", final=True)
        return self._verdict_on(reply)

    async def _ask(self, idempotency_key: str, *, final: bool) -> Reply:
        amount = amount_of(self.request.amount)
        params: dict[str, Any] = {"amount_to_capture": amount}
        if self.account.multicapture:
            params["final_capture"] = final
            params["metadata"] = marks.of_transaction(marks.CAPTURE, self.key, amount)
        return await self.account.capture(self.request.authorization, params, key=idempotency_key)

    def _answer(self, intent: Object) -> PspAnswer:
        return capture_answer(intent, self.request.amount)

    def _found_in(self, intent: Object) -> PspAnswer | None:
        if self.account.multicapture:
            return capture_in(intent, self.key)
        return self._answer(intent) if intent["status"] == SUCCEEDED else None


class Void(FollowUp):
    """
    Giving back is done once however often it is asked for: under whatever key.

    An intent of which nothing was taken is cancelled. One of which something was ends with a last
    capture of nothing.
    """

    async def ask(self, idempotency_key: str) -> Verdict:
        verdict = await self._ask(idempotency_key)
        if isinstance(verdict, Declined):
            # Most likely there is nothing left to be given back: it expired, or somebody was
            # faster.
            return await self.look() or verdict
        return verdict

    async def _ask(self, idempotency_key: str) -> Verdict:
        intent = self.request.authorization
        if self.account.multicapture and self._was_taken_of:
            nothing = {"amount_to_capture": 0, "final_capture": True}
            reply = await self.account.capture(intent, nothing, key=idempotency_key)
        else:
            reply = await self.account.cancel(intent, key=idempotency_key)
        return self._verdict_on(reply)

    @property
    def _was_taken_of(self) -> bool:
        set_aside = self.request.total.minor_units - self.request.amount.minor_units
        return self.request.amount.minor_units < set_aside

    def _answer(self, intent: Object) -> PspAnswer:
        if not is_given_back(intent):
            return NoAnswer()
        reference = PspReference(intent["id"])
        return Approved(reference=reference, moved=self.request.amount)

    def _found_in(self, intent: Object) -> PspAnswer | None:
        return self._answer(intent) if is_given_back(intent) else None
