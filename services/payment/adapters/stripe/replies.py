"""What comes back from a request: Stripe's answer, or silence of one kind or another."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

import aiohttp
import stripe

from services.payment.adapters.stripe.intents import Object, reason_in
from services.payment.domain.values import Declined, PspAnswer

log = logging.getLogger(__name__)

# Our key to the account is wrong, or may not do this.
OUR_FAULT = frozenset((401, 403))
# Statuses that say nothing of what was asked: nor does it that another request holds the object or
# the idempotency key, or that there are too many.
NO_VERDICT = OUR_FAULT | {409, 429}


class Silence(Enum):
    """
    Stripe has not said what came of it.
    """

    # It may have happened, or be happening.
    UNCLEAR = auto()
    # It failed at Stripe, and this failure will be the answer to this key for ever.
    SPENT = auto()
    # Under this key something else was asked.
    REUSED = auto()


Verdict = PspAnswer | Silence

A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    Attributes:
        status: HTTP's; 0 if no answer came.
        body: Stripe's object, or its error; empty if it said neither.
        replayed: Whether it came from Stripe's memory of an earlier request.
    """

    status: int = 0
    body: Mapping[str, Any]
    replayed: bool = False

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300 and bool(self.body)

    @property
    def error(self) -> Object:
        """
        Stripe's error; empty if there is none, or a stranger's.
        """
        error = self.body.get("error")
        return error if isinstance(error, Mapping) else {}


NOTHING = Reply(body={})


async def reply_to(call: Awaitable[stripe.StripeResponse]) -> Reply:
    """
    Wait for the SDK's *call* and return what came back: also what the SDK raises.
    """
    try:
        answer = await call
    except stripe.APIConnectionError as error:
        log.debug("Stripe is not to be reached: %s", type(error.__cause__).__name__)
        return NOTHING
    except stripe.StripeError as error:
        body = error.json_body if isinstance(error.json_body, Mapping) else {}
        return Reply(status=error.http_status or 0, body=body, replayed=_is_replayed(error.headers))
    except aiohttp.ClientError as error:
        # The SDK leaves to us what breaks while the answer is read.
        log.debug("Stripe broke off: %s", type(error).__name__)
        return NOTHING
    body = answer.data if isinstance(answer.data, Mapping) else {}
    return Reply(status=answer.code, body=body, replayed=_is_replayed(answer.headers))


def verdict_on(reply: Reply, when_done: Callable[[Object], A]) -> A | Declined | Silence:
    """
    Return what *reply* says of what was asked; *when_done* reads the object of a success.
    """
    if reply.is_success:
        return when_done(reply.body)
    if reply.status >= 500:
        return Silence.SPENT if reply.replayed else Silence.UNCLEAR
    if reply.status in OUR_FAULT:
        log.error("Stripe refuses our key: %d %s", reply.status, reason_in(reply.error))
    if not 400 <= reply.status < 500 or reply.status in NO_VERDICT or not reply.error:
        return Silence.UNCLEAR
    if reply.error.get("type") == "idempotency_error":
        log.info("an idempotency key was used for something else before")
        return Silence.REUSED
    return Declined(reason_in(reply.error) or f"http_{reply.status}")


def _is_replayed(headers: Mapping[str, str] | None) -> bool:
    found = (headers or {}).get("Idempotent-Replayed", "")
    return found.lower() == "true"
