"""A cardholder wants the money back from the bank: a chargeback, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.psp.case import Case, new_id
from deploy.psp.currencies import dispute_fee
from deploy.psp.forms import flag_in, merged, metadata_in, refuse_others
from deploy.psp.objects import dispute_object
from deploy.psp.records import Dispute, Payment
from deploy.psp.refusals import Malformed, Refusal

KNOWN = frozenset(("evidence", "expand", "metadata", "submit"))
EVIDENCE_SECONDS = 7 * 86_400
OPEN = ("needs_response", "under_review")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDispute:
    """
    Attributes:
        amount: How much; `None` for all that was captured and not given back.
    """

    payment: str
    amount: int | None = None
    reason: str = "fraudulent"
    evidence_seconds: int = EVIDENCE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    dispute: str
    evidence: dict[str, str]
    metadata: dict[str, str]
    submit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseDispute:
    dispute: str
    won: bool


def contest_from(dispute: str, form: Mapping[str, Any]) -> Contest:
    refuse_others(form, KNOWN)
    evidence = form.get("evidence") or {}
    if not isinstance(evidence, dict) or not all(isinstance(v, str) for v in evidence.values()):
        raise Malformed("Invalid object: evidence", param="evidence")
    return Contest(
        dispute=dispute,
        evidence=evidence,
        metadata=metadata_in(form),
        submit=flag_in(form, "submit", default=True),
    )


def dispute(command: OpenDispute, case: Case) -> Dispute:
    """
    Raises:
        Refusal: There is not so much to dispute.
    """
    payment = case.payment(command.payment)
    amount = payment.refundable - payment.disputed if command.amount is None else command.amount
    return open_dispute(
        payment, amount, command.reason, case, evidence_seconds=command.evidence_seconds
    )


def open_dispute(
    payment: Payment,
    amount: int,
    reason: str,
    case: Case,
    *,
    evidence_seconds: int = EVIDENCE_SECONDS,
) -> Dispute:
    """
    Take *amount* back from the merchant, and a fee.
    """
    if not 0 < amount <= payment.refundable - payment.disputed:
        raise Refusal(
            f"Of charge {payment.charge_id}, {payment.refundable - payment.disputed} can be"
            f" disputed, not {amount}.",
            param="amount",
        )
    opened = Dispute(
        id=new_id("du"),
        account=payment.account,
        created=case.time,
        payment=payment.id,
        currency=payment.currency,
        amount=amount,
        reason=reason,
        status="needs_response",
        due_by=case.time + evidence_seconds,
    )
    payment.disputed += amount
    movement = case.move(
        "dispute", -amount, of=payment, source=opened.id, fee=dispute_fee(payment.currency)
    )
    opened.movement_id = movement.id
    case.books.disputes[opened.id] = opened
    case.books.keep(payment)
    case.books.keep(opened)
    case.tell("charge.dispute.created", dispute_object(opened, [movement]))
    case.tell("charge.dispute.funds_withdrawn", dispute_object(opened, [movement]))
    return opened


def contest(command: Contest, case: Case) -> Dispute:
    """
    Take in what the merchant has to say, and hand it on to the bank if it is to be submitted.

    Raises:
        Refusal: It is too late.
    """
    known = case.dispute(command.dispute)
    if known.status != "needs_response" or case.time > known.due_by:
        raise Refusal(
            "This dispute is closed, submitted already or past its due date.",
            code="dispute_not_open",
        )
    known.evidence = merged(known.evidence, command.evidence)
    known.metadata = merged(known.metadata, command.metadata)
    if command.submit:
        known.status = "under_review"
        known.submissions += 1
    case.books.keep(known)
    case.tell("charge.dispute.updated", dispute_object(known))
    return known


def close_dispute(command: CloseDispute, case: Case) -> Dispute:
    """
    Let the bank decide. What is decided stays so.
    """
    known = case.dispute(command.dispute)
    if known.status not in OPEN:
        return known
    known.status = "won" if command.won else "lost"
    case.books.keep(known)
    movements = []
    if command.won:
        payment = case.payment(known.payment)
        payment.disputed -= known.amount
        case.books.keep(payment)
        movements = [case.move("dispute_reversal", known.amount, of=payment, source=known.id)]
        known.reversal_movement_id = movements[0].id
        case.tell("charge.dispute.funds_reinstated", dispute_object(known, movements))
    case.tell("charge.dispute.closed", dispute_object(known, movements))
    return known
