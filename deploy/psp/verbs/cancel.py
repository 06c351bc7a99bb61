"""Give up what was set aside: because the merchant says so, or because its time is over."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case
from deploy.psp.forms import refuse_others, text_in
from deploy.psp.objects import charge_object
from deploy.psp.records import (
    CANCELED,
    REQUIRES_ACTION,
    REQUIRES_CAPTURE,
    REQUIRES_PAYMENT_METHOD,
    Payment,
)
from deploy.psp.refusals import Declined, Malformed, unexpected_state
from deploy.psp.verbs.capture import finish

KNOWN = frozenset(("cancellation_reason", "expand"))
REASONS = ("", "abandoned", "duplicate", "fraudulent", "requested_by_customer")
CANCELLABLE = (REQUIRES_PAYMENT_METHOD, REQUIRES_ACTION, REQUIRES_CAPTURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    payment: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    payment: str


def cancel_from(payment: str, form: Mapping[str, Any]) -> Cancel:
    refuse_others(form, KNOWN)
    reason = text_in(form, "cancellation_reason", default="")
    if reason not in REASONS:
        raise Malformed(
            f"Invalid cancellation_reason: must be one of {', '.join(REASONS[1:])}",
            param="cancellation_reason",
        )
    return Cancel(payment=payment, reason=reason)


def cancel(command: Cancel, case: Case) -> Payment:
    """
    Raises:
        Refusal: It is over already, or something of it was captured: then the rest is given up
            by a last capture of nothing.
    """
    payment = case.payment(command.payment)
    if payment.status not in CANCELLABLE or payment.captured:
        raise unexpected_state("cancel", payment.status, ", ".join(CANCELLABLE))
    if case.flaws.decline_code:
        raise Declined(case.flaws.decline_code)
    end(payment, command.reason, case)
    return payment


def expire(command: Expire, case: Case) -> Payment:
    """
    End a payment whose bank sets nothing aside any more; one that is over stays as it is.
    """
    payment = case.payment(command.payment)
    if payment.status != REQUIRES_CAPTURE:
        return payment
    if payment.captured:
        left = payment.capturable
        payment.released += left
        case.operate(payment, "release", asked=left, moved=left)
        finish(payment, case)
    else:
        case.tell("charge.expired", charge_object(payment))
        end(payment, "expired", case)
    return payment


def end(payment: Payment, reason: str, case: Case) -> None:
    left = payment.capturable
    payment.released += left
    payment.status = CANCELED
    payment.cancellation_reason = reason
    payment.canceled_at = case.time
    payment.expires_at = None
    if left:
        case.operate(payment, "release", asked=left, moved=left)
    case.books.keep(payment)
    case.tell_payment("payment_intent.canceled", payment)
