"""Give back what was taken; and what can become of it later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case, new_id, reference_in
from deploy.psp.forms import integer_in, merged, metadata_in, refuse_others, text_in
from deploy.psp.objects import charge_object, refund_object
from deploy.psp.records import Payment, Refund
from deploy.psp.refusals import Declined, Malformed, Refusal
from deploy.psp.verbs.authorize import amount_in, moved, refuse_odd

KNOWN = frozenset(("amount", "charge", "expand", "metadata", "payment_intent", "reason"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """
    Attributes:
        amount: How much; `None` for all that is left.
    """

    payment: str
    amount: int | None
    metadata: dict[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRefund:
    """
    Attributes:
        status: `succeeded`, or `failed`: then the money is back at the merchant.
    """

    refund: str
    status: str


def give_back_from(form: Mapping[str, Any]) -> GiveBack:
    refuse_others(form, KNOWN)
    payment = text_in(form, "payment_intent", default="")
    charge = text_in(form, "charge", default="")
    if not payment and not charge:
        raise Malformed(
            "One of the following params should be provided for this request: payment_intent or"
            " charge.",
            code="parameter_missing",
        )
    return GiveBack(
        payment=payment or f"pi_{charge.removeprefix('ch_')}",
        amount=amount_in(form, "amount") if integer_in(form, "amount") is not None else None,
        metadata=merged({}, metadata_in(form)),
        reason=text_in(form, "reason", default=""),
    )


def give_back(command: GiveBack, case: Case) -> Refund:
    """
    Raises:
        Refusal: Nothing was captured, it is disputed, or less is left of it.
    """
    payment = case.payment(command.payment)
    asked = payment.refundable if command.amount is None else command.amount
    refuse_impossible(payment, asked)
    if case.flaws.decline_code:
        raise Declined(case.flaws.decline_code)
    # Never more: what a merchant has not asked to give back is not given.
    really = moved(asked, payment.currency, -abs(case.flaws.steps))
    refund = Refund(
        id=new_id("re"),
        account=case.account,
        created=case.time,
        payment=payment.id,
        currency=payment.currency,
        amount=really,
        status="succeeded",
        metadata=command.metadata,
        reason=command.reason,
    )
    if case.flaws.pending_seconds is not None:
        refund.status, refund.becomes = "pending", "succeeded"
        refund.due_at = case.now + case.flaws.pending_seconds
    if case.flaws.fails_seconds is not None:
        refund.becomes = "failed"
        refund.due_at = case.now + case.flaws.fails_seconds
    payment.refunded += really
    case.books.refunds[refund.id] = refund
    _book(refund, payment, case)
    return refund


def refuse_impossible(payment: Payment, asked: int) -> None:
    """
    Raises:
        Refusal: *asked* cannot be given back.
    """
    if payment.captured == 0:
        raise Refusal(
            f"Charge {payment.charge_id} has not been captured.", code="charge_not_refundable"
        )
    if payment.disputed:
        raise Refusal(
            f"Charge {payment.charge_id} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    if payment.refundable == 0:
        raise Refusal(
            f"Charge {payment.charge_id} has already been refunded.",
            code="charge_already_refunded",
        )
    refuse_odd(asked, payment.currency, "amount")
    if asked > payment.refundable:
        raise Refusal(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge"
            f" ({payment.refundable}).",
            param="amount",
        )


def _book(refund: Refund, payment: Payment, case: Case) -> None:
    case.books.keep(payment)
    case.books.keep(refund)
    refund.movement_id = case.move(
        "refund",
        -refund.amount,
        of=payment,
        source=refund.id,
        reference=reference_in(refund.metadata),
    ).id
    case.tell("refund.created", refund_object(refund))
    case.tell("charge.refunded", charge_object(payment))


def end_refund(command: EndRefund, case: Case) -> Refund:
    """
    Settle what a refund that was on its way has become, or let one fail that had arrived. One
    that has failed stays so.
    """
    refund = case.refund(command.refund)
    if refund.status == "failed":
        return refund
    refund.becomes, refund.due_at = "", None
    case.books.keep(refund)
    if command.status == "succeeded":
        if refund.status == "pending":
            refund.status = "succeeded"
            case.tell("refund.updated", refund_object(refund))
            case.tell("charge.refund.updated", refund_object(refund))
        return refund
    payment = case.payment(refund.payment)
    payment.refunded -= refund.amount
    case.books.keep(payment)
    refund.status, refund.failure_reason = "failed", "lost_or_stolen_card"
    refund.failure_movement_id = case.move(
        "refund_failure",
        refund.amount,
        of=payment,
        source=refund.id,
        reference=reference_in(refund.metadata),
    ).id
    case.tell("refund.updated", refund_object(refund))
    case.tell("refund.failed", refund_object(refund))
    case.tell("charge.refund.updated", refund_object(refund))
    return refund
