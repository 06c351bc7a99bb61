"""Set money aside on a card: a payment intent that is confirmed at once, to be captured later."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case, new_id
from deploy.psp.currencies import LARGEST_AMOUNT, step_of
from deploy.psp.forms import flag_in, integer_in, merged, metadata_in, refuse_others, text_in
from deploy.psp.objects import payment_object
from deploy.psp.records import (
    REQUIRES_ACTION,
    REQUIRES_CAPTURE,
    REQUIRES_PAYMENT_METHOD,
    Payment,
)
from deploy.psp.refusals import Declined, Malformed, Refusal
from deploy.psp.tokens import CARD, behaviour_of

KNOWN = frozenset(
    (
        "amount",
        "automatic_payment_methods",
        "capture_method",
        "confirm",
        "currency",
        "description",
        "expand",
        "metadata",
        "off_session",
        "payment_method",
        "payment_method_data",
        "payment_method_options",
        "payment_method_types",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorize:
    amount: int
    currency: str
    token: str
    metadata: dict[str, str]
    description: str = ""
    multicapture: bool = False
    incremental: bool = False


def authorize_from(form: Mapping[str, Any]) -> Authorize:
    """
    Raises:
        Malformed: It is not what this PSP can do.
    """
    refuse_others(form, KNOWN)
    amount = amount_in(form, "amount")
    currency = text_in(form, "currency").upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        raise Malformed(f"Invalid currency: {currency.lower()}.", param="currency")
    refuse_odd(amount, currency, "amount")
    if not flag_in(form, "confirm", default=False):
        raise Malformed("This API confirms a PaymentIntent when it is created.", param="confirm")
    if text_in(form, "capture_method", default="automatic") != "manual":
        raise Malformed("This API captures by hand alone.", param="capture_method")
    return Authorize(
        amount=amount,
        currency=currency,
        token=token_in(form),
        metadata=merged({}, metadata_in(form)),
        description=text_in(form, "description", default=""),
        multicapture=is_wished(form, "request_multicapture"),
        incremental=is_wished(form, "request_incremental_authorization"),
    )


def is_wished(form: Mapping[str, Any], what: str) -> bool:
    return text_in(form, "payment_method_options", "card", what, default="") == "if_available"


def token_in(form: Mapping[str, Any]) -> str:
    method = text_in(form, "payment_method", default="")
    if method.startswith(CARD):
        return f"tok_{method.removeprefix(CARD).removeprefix('visa_')}"
    if method:
        raise Malformed(
            f"No such PaymentMethod: '{method}'", code="resource_missing", param="payment_method"
        )
    return text_in(form, "payment_method_data", "card", "token")


def amount_in(form: Mapping[str, Any], name: str) -> int:
    """
    Return the amount *name*, which must be there.
    """
    text_in(form, name)
    amount = integer_in(form, name)
    assert amount is not None
    if amount < 1:
        raise Malformed(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=name,
        )
    if amount > LARGEST_AMOUNT:
        raise Malformed(
            "Amount must be no more than 999,999.99.", code="amount_too_large", param=name
        )
    return amount


def refuse_odd(amount: int, currency: str, name: str) -> None:
    """
    Raises:
        Malformed: No card network can move *amount*.
    """
    step = step_of(currency)
    if amount % step:
        raise Malformed(
            f"Amounts in {currency.lower()} must be divisible by {step}.",
            code="invalid_charge_amount",
            param=name,
        )


def authorize(command: Authorize, case: Case) -> Payment:
    """
    Ask the card's bank, and keep what it says.

    It is told once: that a PaymentIntent was created and a charge made, Stripe says in events of
    their own, which tell nothing more.

    Raises:
        Refusal: There is no such card, or its bank declines.
    """
    behaviour = behaviour_of(command.token)
    payment = Payment(
        id=new_id("pi"),
        account=case.account,
        created=case.time,
        currency=command.currency,
        amount=moved(command.amount, command.currency, case.flaws.steps),
        status=REQUIRES_CAPTURE,
        payment_method=new_id("pm"),
        metadata=command.metadata,
        description=command.description,
        multicapture=command.multicapture,
        incremental=command.incremental,
        disputed_when_captured=behaviour.dispute,
    )
    case.books.payments[payment.id] = payment
    if behaviour.authenticate:
        return _wait_for_cardholder(payment, case)
    if decline_code := case.flaws.decline_code or behaviour.decline_code:
        raise _decline(payment, decline_code, case)
    payment.expires_at = case.time + case.authorization_seconds
    case.operate(payment, "authorization", asked=command.amount, moved=payment.amount)
    case.tell_payment("payment_intent.amount_capturable_updated", payment)
    return payment


def moved(asked: int, currency: str, steps: int) -> int:
    """
    Return what is moved when *asked* is asked for and the PSP errs by *steps*; something is.
    """
    step = step_of(currency)
    return max(asked + steps * step, step)


def _wait_for_cardholder(payment: Payment, case: Case) -> Payment:
    payment.status = REQUIRES_ACTION
    case.books.keep(payment)
    case.tell_payment("payment_intent.requires_action", payment)
    return payment


def _decline(payment: Payment, decline_code: str, case: Case) -> Refusal:
    payment.status, payment.failure = REQUIRES_PAYMENT_METHOD, decline_code
    case.books.keep(payment)
    case.tell_payment("payment_intent.payment_failed", payment)
    whole = {"charge": payment.charge_id, "payment_intent": payment_object(payment)}
    return Declined(decline_code, more=whole)
