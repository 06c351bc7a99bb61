"""What is answered: an object of the API, or an error."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import orjson

from deploy.psp.case import Books
from deploy.psp.objects import (
    Object,
    charge_object,
    dispute_object,
    payment_object,
    refund_object,
)
from deploy.psp.records import Dispute, Payment, Refund
from deploy.psp.refusals import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    Attributes:
        replayed: Whether it was given before.
        cut: Whether the connection breaks before it arrives.
    """

    status: int
    body: bytes
    replayed: bool = False
    cut: bool = False


def object_of(record: Any, books: Books, expand: Collection[str]) -> Object:
    """
    Return what the API shows of *record*.
    """
    if isinstance(record, Payment):
        return payment_object(record, expand)
    if isinstance(record, Refund):
        return refund_object(record, parents_of(books.payments[record.payment], expand))
    if isinstance(record, Dispute):
        return dispute_object(record)
    shown: Object = record
    return shown


def parents_of(payment: Payment, expand: Collection[str]) -> dict[str, Object]:
    """
    Return those of a refund's references in full that are to be expanded.
    """
    parents = {}
    if "payment_intent" in expand:
        parents["payment_intent"] = payment_object(payment)
    if "charge" in expand:
        parents["charge"] = charge_object(payment)
    return parents


def answer_to(refusal: Refusal) -> Answer:
    return Answer(status=refusal.status, body=orjson.dumps({"error": refusal.error}))


MISUSED = answer_to(
    Refusal(
        "Keys for idempotent requests can only be used with the same parameters they were first"
        " used with.",
        kind="idempotency_error",
    )
)
UNAVAILABLE = answer_to(
    Refusal("This service is not available; try again later.", status=503, kind="api_error")
)
BROKEN = answer_to(
    Refusal("An error occurred on our side while we worked on it.", status=500, kind="api_error")
)
