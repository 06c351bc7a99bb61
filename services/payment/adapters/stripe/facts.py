"""
What Stripe's events tell, as facts. Pure.

An event carries an object as it was when something happened to it. Events come late, twice and in
any order, so that no conclusion is drawn from what an object does *not* say yet: each fact, once
true, stays so. That a capture has happened is told by every later snapshot of its intent; that
something is still on its way is told by none. A dispute and a refund have states: those only move
forward, which their facts are noted by.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from chassis.kernel.money import Money
from services.payment.adapters.stripe import marks
from services.payment.adapters.stripe.amounts import money_of
from services.payment.adapters.stripe.intents import (
    CANCELED,
    SUCCEEDED,
    Object,
    authorization_answer,
    capture_answer,
    expiry_in,
    id_in,
    increment_answer,
)
from services.payment.adapters.stripe.refunds import refund_answer
from services.payment.domain.facts import (
    AuthorizationLost,
    ChargebackState,
    ChargedBack,
    PspFact,
    RefundedElsewhere,
    TransactionSettled,
)
from services.payment.domain.values import (
    Approved,
    ChargebackId,
    Declined,
    NoAnswer,
    PaymentId,
    PspAnswer,
    PspReference,
    TransactionId,
    TransactionKind,
    transaction_id_of,
)

# An inquiry ("warning_…") and a dispute that was prevented move no money.
_CHARGEBACKS = {
    "needs_response": ChargebackState.NEEDS_RESPONSE,
    "under_review": ChargebackState.UNDER_REVIEW,
    "won": ChargebackState.WON,
    "lost": ChargebackState.LOST,
}


def facts_of(payload: str | bytes) -> Sequence[PspFact]:
    """
    Return what the event in *payload* tells of payments; nothing if it is about something else, or
    about a payment that nobody here asked for.
    """
    event: Mapping[str, Any] = orjson.loads(payload)
    subject: Object = event["data"]["object"]
    match subject.get("object"):
        case "payment_intent":
            return list(_facts_of_intent(subject))
        case "charge":
            return list(_facts_of_charge(subject))
        case "refund":
            return list(_facts_of_refund(subject))
        case "dispute":
            return list(_facts_of_dispute(subject))
        case _:
            return []


def _facts_of_intent(intent: Object) -> Iterator[PspFact]:
    """
    Yield what has happened to a payment, in the order in which it must have happened.
    """
    metadata = intent.get("metadata") or {}
    payment_id = marks.payment_in(metadata)
    authorization = marks.transaction_in(metadata, marks.AUTHORIZATION)
    if payment_id is None or authorization is None:
        return
    answers: list[tuple[TransactionId, PspAnswer]] = [(authorization, authorization_answer(intent))]
    for transaction, asked in marks.transactions_in(metadata, marks.INCREMENT):
        answers.append((transaction, increment_answer(intent, _money(intent, asked))))
    for transaction, asked in marks.transactions_in(metadata, marks.CAPTURE):
        answers.append((transaction, capture_answer(intent, _money(intent, asked))))
    for transaction, answer in answers:
        if not isinstance(answer, NoAnswer):
            yield TransactionSettled(
                payment_id=payment_id, transaction_id=transaction, answer=answer
            )
    yield from _facts_of_end(payment_id, intent)


def _facts_of_end(payment_id: PaymentId, intent: Object) -> Iterator[PspFact]:
    """
    Yield that what was left is given back: by our void, or of Stripe's own accord.
    """
    left = intent["amount"] - (intent.get("amount_received") or 0)
    if intent["status"] not in (CANCELED, SUCCEEDED) or left <= 0:
        return
    # First, as it may be what has the rest given back here: then that is answered, too.
    yield AuthorizationLost(payment_id=payment_id)
    yield TransactionSettled(
        payment_id=payment_id,
        transaction_id=transaction_id_of(payment_id, TransactionKind.VOID),
        answer=Approved(reference=PspReference(intent["id"]), moved=_money(intent, left)),
    )


def _facts_of_charge(charge: Object) -> Iterator[PspFact]:
    """
    Yield what only a charge tells: until when its money is set aside. It carries its intent's
    marks.
    """
    metadata = charge.get("metadata") or {}
    payment_id = marks.payment_in(metadata)
    authorization = marks.transaction_in(metadata, marks.AUTHORIZATION)
    intent, expires_at = id_in(charge.get("payment_intent")), expiry_in(charge)
    if payment_id and authorization and intent and expires_at and charge["status"] == "succeeded":
        answer = Approved(
            reference=PspReference(intent),
            moved=_money(charge, charge["amount"]),
            expires_at=expires_at,
        )
        yield TransactionSettled(payment_id=payment_id, transaction_id=authorization, answer=answer)


def _facts_of_refund(refund: Object) -> Iterator[PspFact]:
    answer = refund_answer(refund)
    if isinstance(answer, NoAnswer):
        return
    metadata = refund.get("metadata") or {}
    payment_id = marks.payment_in(metadata)
    transaction = marks.transaction_in(metadata, marks.TRANSACTION)
    if payment_id and transaction:
        yield TransactionSettled(payment_id=payment_id, transaction_id=transaction, answer=answer)
    elif intent := id_in(refund.get("payment_intent")):
        yield RefundedElsewhere(
            authorization=PspReference(intent),
            refund=PspReference(refund["id"]),
            amount=_money(refund, refund["amount"]),
            failed=isinstance(answer, Declined),
            came_back=isinstance(answer, Declined) and answer.undone is not None,
        )


def _facts_of_dispute(dispute: Object) -> Iterator[PspFact]:
    intent = id_in(dispute.get("payment_intent"))
    if not intent or dispute["status"] not in _CHARGEBACKS:
        return
    due = (dispute.get("evidence_details") or {}).get("due_by")
    yield ChargedBack(
        authorization=PspReference(intent),
        chargeback_id=ChargebackId(dispute["id"]),
        amount=_money(dispute, dispute["amount"]),
        reason=dispute["reason"],
        state=_CHARGEBACKS[dispute["status"]],
        opened_at=datetime.fromtimestamp(dispute["created"], UTC),
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
    )


def _money(subject: Object, amount: int) -> Money:
    return money_of(amount, subject["currency"])
