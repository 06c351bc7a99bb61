"""What the PSP says no to, in the words of Stripe's errors."""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """
    An answer that is an error.

    Attributes:
        status: The HTTP status.
        error: What goes into the body: `type`, `message`, and what else is known.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"type": kind, "message": message}
        if code:
            self.error["code"] = code
            self.error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        if param:
            self.error["param"] = param
        self.error |= more or {}


class Malformed(Refusal):
    """
    A request that was refused before anything was done about it. It is not kept under its key.
    """


class Declined(Refusal):
    """
    The card's bank says no.
    """

    def __init__(self, decline_code: str, *, more: Mapping[str, Any] | None = None) -> None:
        message = MESSAGES.get(decline_code, "Your card was declined.")
        super().__init__(
            message,
            status=402,
            kind="card_error",
            code="card_declined",
            more={"decline_code": decline_code} | dict(more or {}),
        )


MESSAGES = {"insufficient_funds": "Your card has insufficient funds."}


def no_such(what: str, id_: str, *, param: str = "id", status: int = 404) -> Refusal:
    return Refusal(f"No such {what}: '{id_}'", status=status, code="resource_missing", param=param)


def unexpected_state(doing: str, status: str, allowed: str) -> Refusal:
    return Refusal(
        f"You cannot {doing} this PaymentIntent because it has a status of {status}. "
        f"Only a PaymentIntent with one of the following statuses may be used: {allowed}.",
        code="payment_intent_unexpected_state",
    )
