"""What a payment intent says: pure, from Stripe's words to ours."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chassis.kernel.money import Money
from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.amounts import money_of
from services.payment.domain.values import (
    Approved,
    Declined,
    NoAnswer,
    PspAnswer,
    PspReference,
    TransactionId,
)

Object = Mapping[str, Any]

REQUIRES_ACTION = "requires_action"
REQUIRES_CAPTURE = "requires_capture"
SUCCEEDED = "succeeded"
CANCELED = "canceled"

# The word for declines that the bank does not explain; the code beside it says more.
UNEXPLAINED = "generic_decline"


# The payer would have to prove who he is, and nobody here can ask him.
AUTHENTICATION_REQUIRED = "authentication_required"


def id_in(whole: Object | str | None) -> str:
    """
    Return the id of what Stripe gives either in full or by its id.
    """
    if isinstance(whole, str):
        return whole
    return str(whole["id"]) if whole else ""


def authorization_answer(intent: Object) -> PspAnswer:
    """
    Return what became of the authorization. What waits for the payer is `NoAnswer`: it has to be
    cancelled first. So is an intent that has neither succeeded nor failed yet.
    """
    match intent["status"]:
        case "requires_capture" | "succeeded":
            return Approved(
                reference=PspReference(intent["id"]),
                moved=_set_aside(intent),
                expires_at=expiry_in(intent.get("latest_charge")),
            )
        case "requires_payment_method" if intent.get("last_payment_error"):
            return Declined(reason_in(intent["last_payment_error"]) or "declined")
        case "canceled":
            return Declined(intent.get("cancellation_reason") or _unattended(intent) or CANCELED)
        case _:
            return NoAnswer()


def _unattended(intent: Object) -> str:
    """
    Return why an intent was cancelled that was never charged: it waited for the payer.
    """
    return "" if intent.get("latest_charge") else AUTHENTICATION_REQUIRED


def capture_answer(intent: Object, asked: Money) -> Approved:
    """
    Return what became of a capture of *asked* that has happened.

    Stripe tells the sum of all captures, not what each took.
    """
    received = intent.get("amount_received")
    return Approved(
        reference=PspReference(id_in(intent.get("latest_charge")) or intent["id"]),
        moved=asked,
        total=None if received is None else money_of(received, intent["currency"]),
    )


def increment_answer(intent: Object, asked: Money) -> Approved:
    return Approved(reference=PspReference(intent["id"]), moved=asked, total=_set_aside(intent))


def capture_in(intent: Object, transaction: TransactionId) -> Approved | None:
    """
    Return what became of a capture, or `None` if it has not happened.
    """
    asked = _asked_in(intent, marks.CAPTURE, transaction)
    return capture_answer(intent, asked) if asked else None


def increment_in(intent: Object, transaction: TransactionId) -> Approved | None:
    """
    Return what became of an increment, or `None` if it has not happened.
    """
    asked = _asked_in(intent, marks.INCREMENT, transaction)
    return increment_answer(intent, asked) if asked else None


def is_given_back(intent: Object) -> bool:
    """
    Return whether nothing of what was set aside is left.
    """
    return intent["status"] in (CANCELED, SUCCEEDED)


def reason_in(error: Object | None) -> str:
    """
    Return Stripe's word for why something was declined; empty if it has none.
    """
    if not error:
        return ""
    declined = error.get("decline_code") or ""
    if declined == UNEXPLAINED:
        declined = ""
    return str(declined or error.get("code") or error.get("type") or "")


def _asked_in(intent: Object, prefix: str, transaction: TransactionId) -> Money | None:
    marked = dict(marks.transactions_in(intent.get("metadata") or {}, prefix))
    amount = marked.get(transaction)
    return None if amount is None else money_of(amount, intent["currency"])


def _set_aside(intent: Object) -> Money:
    """
    Return all that was set aside, whatever was taken of it since. Once the rest is given up,
    only what was wanted is still to be read.
    """
    amount = intent["amount"]
    if intent["status"] == REQUIRES_CAPTURE and "amount_capturable" in intent:
        amount = intent["amount_capturable"] + intent.get("amount_received", 0)
    return money_of(amount, intent["currency"])


def expiry_in(charge: Object | str | None) -> datetime | None:
    """
    Return until when the money of *charge* is set aside; `None` if that is not said.
    """
    if not isinstance(charge, Mapping):
        return None
    card = (charge.get("payment_method_details") or {}).get("card") or {}
    seconds = card.get("capture_before")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
