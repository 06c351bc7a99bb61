"""Take what was set aside: all of it, a part and give up the rest, or a part of several."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case, reference_in
from deploy.psp.currencies import capture_fee, step_of
from deploy.psp.forms import flag_in, integer_in, merged, metadata_in, refuse_others
from deploy.psp.objects import charge_object
from deploy.psp.records import REQUIRES_CAPTURE, SUCCEEDED, Payment
from deploy.psp.refusals import Declined, Malformed, Refusal, unexpected_state
from deploy.psp.verbs.authorize import moved, refuse_odd
from deploy.psp.verbs.disputes import open_dispute

KNOWN = frozenset(("amount_to_capture", "expand", "final_capture", "metadata"))
MOST_CAPTURES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """
    Attributes:
        amount: How much; `None` for all that is left.
        final: Whether what is left after it is given up.
    """

    payment: str
    amount: int | None
    final: bool
    metadata: dict[str, str]


def capture_from(payment: str, form: Mapping[str, Any]) -> Capture:
    refuse_others(form, KNOWN)
    amount = integer_in(form, "amount_to_capture")
    if amount is not None and amount < 0:
        raise Malformed(
            "This value must be greater than or equal to 0.",
            code="parameter_invalid_integer",
            param="amount_to_capture",
        )
    return Capture(
        payment=payment,
        amount=amount,
        final=flag_in(form, "final_capture", default=True),
        metadata=metadata_in(form),
    )


def capture(command: Capture, case: Case) -> Payment:
    """
    Raises:
        Refusal: There is nothing to take, or less.
    """
    payment = case.payment(command.payment)
    asked = payment.capturable if command.amount is None else command.amount
    refuse_impossible(payment, asked, final=command.final)
    metadata = merged(payment.metadata, command.metadata)
    if case.flaws.decline_code:
        raise Declined(case.flaws.decline_code)
    really = taken(payment, asked, case.flaws.steps)
    payment.metadata = metadata
    if really:
        take(payment, asked, really, reference_in(command.metadata), case)
    left = payment.capturable
    if command.final and left:
        payment.released += left
        case.operate(payment, "release", asked=left, moved=left)
    finish(payment, case)
    if payment.disputed_when_captured and payment.captures == 1 and really:
        open_dispute(payment, payment.captured, "fraudulent", case)
    return payment


def refuse_impossible(payment: Payment, asked: int, *, final: bool) -> None:
    """
    Raises:
        Refusal: *asked* cannot be taken.
    """
    if payment.status != REQUIRES_CAPTURE:
        raise unexpected_state("capture", payment.status, REQUIRES_CAPTURE)
    refuse_odd(asked, payment.currency, "amount_to_capture")
    if asked > payment.capturable:
        raise Refusal(
            "The amount to capture is greater than the amount that is capturable.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    if not final and not payment.multicapture:
        raise Refusal(
            "Multicapture is not available for this PaymentIntent.",
            code="multicapture_unavailable",
            param="final_capture",
        )
    if asked == 0 and not (final and payment.captured):
        raise Refusal(
            "Nothing can only be captured to give up the rest after another capture.",
            code="amount_too_small",
            param="amount_to_capture",
        )
    if payment.captures >= MOST_CAPTURES and asked:
        raise Refusal(f"A PaymentIntent can be captured {MOST_CAPTURES} times.")


def taken(payment: Payment, asked: int, steps: int) -> int:
    """
    Return what is taken when *asked* is asked for and the PSP errs by *steps*: never more than
    there is.
    """
    if asked == 0 or steps == 0:
        return asked
    return min(moved(asked, payment.currency, steps), payment.capturable)


def take(payment: Payment, asked: int, really: int, reference: str, case: Case) -> None:
    payment.captured += really
    payment.captures += 1
    movement = case.move(
        "charge",
        really,
        of=payment,
        source=payment.charge_id,
        fee=capture_fee(really, payment.currency),
        reference=reference,
    )
    payment.movement_id = movement.id
    case.operate(payment, "capture", asked=asked, moved=really)


def finish(payment: Payment, case: Case) -> None:
    """
    End the payment if nothing is left of it, and tell the merchant where it stands.

    Of captures before the last, the charge is told as updated; `charge.captured` comes once.
    """
    if payment.capturable < step_of(payment.currency):
        payment.status = SUCCEEDED
        payment.expires_at = None
        case.tell("charge.captured", charge_object(payment))
        case.tell_payment("payment_intent.succeeded", payment)
    else:
        case.tell("charge.updated", charge_object(payment))
        case.tell_payment("payment_intent.amount_capturable_updated", payment)
