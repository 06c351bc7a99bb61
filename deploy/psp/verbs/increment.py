"""Set more money aside for the same payment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case
from deploy.psp.forms import merged, metadata_in, refuse_others
from deploy.psp.objects import payment_object
from deploy.psp.records import REQUIRES_CAPTURE, Payment
from deploy.psp.refusals import Declined, Refusal, unexpected_state
from deploy.psp.verbs.authorize import amount_in, moved, refuse_odd

KNOWN = frozenset(("amount", "description", "expand", "metadata"))
MOST_INCREMENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """
    Attributes:
        amount: What shall be set aside in all.
    """

    payment: str
    amount: int
    metadata: dict[str, str]


def increment_from(payment: str, form: Mapping[str, Any]) -> Increment:
    refuse_others(form, KNOWN)
    return Increment(payment=payment, amount=amount_in(form, "amount"), metadata=metadata_in(form))


def increment(command: Increment, case: Case) -> Payment:
    """
    Ask the card's bank for the difference. If it declines, all stays as it was.

    Raises:
        Refusal: The payment cannot be incremented, or the bank declines.
    """
    payment = case.payment(command.payment)
    refuse_impossible(payment, command.amount)
    metadata = merged(payment.metadata, command.metadata)
    payment.increments += 1
    case.books.keep(payment)
    if case.flaws.decline_code:
        whole = {"payment_intent": payment_object(payment)}
        raise Declined(case.flaws.decline_code, more=whole)
    more = command.amount - payment.amount
    really = moved(more, payment.currency, case.flaws.steps)
    payment.amount += really
    payment.metadata = metadata
    case.operate(payment, "increment", asked=more, moved=really)
    case.tell_payment("payment_intent.amount_capturable_updated", payment)
    return payment


def refuse_impossible(payment: Payment, amount: int) -> None:
    """
    Raises:
        Refusal: No more can be set aside, or *amount* is not more.
    """
    if payment.status != REQUIRES_CAPTURE or payment.captured:
        raise unexpected_state("increment", payment.status, REQUIRES_CAPTURE)
    if not payment.incremental:
        raise Refusal(
            "This PaymentIntent is not eligible for incremental authorization.",
            code="incremental_authorization_unavailable",
        )
    if payment.increments >= MOST_INCREMENTS:
        raise Refusal(f"A PaymentIntent can be incremented {MOST_INCREMENTS} times.")
    refuse_odd(amount, payment.currency, "amount")
    if amount <= payment.amount:
        raise Refusal(
            "The amount must be greater than the amount that is authorized now.",
            code="amount_too_small",
            param="amount",
        )
