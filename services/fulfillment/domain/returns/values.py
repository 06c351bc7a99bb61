"""The words of returns."""

from enum import StrEnum
from typing import NewType
from uuid import UUID

ReturnId = NewType("ReturnId", UUID)
ReceiptId = NewType("ReceiptId", UUID)
AccountId = NewType("AccountId", str)


class ReturnKind(StrEnum):
    """
    Whether goods come back, and why: sent by the customer, undelivered, or not at all.
    """

    RETURN = "RETURN"
    UNDELIVERED = "UNDELIVERED"
    CLAIM = "CLAIM"


class ReturnState(StrEnum):
    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    RECEIVED = "RECEIVED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


class Resolution(StrEnum):
    """
    What the customer gets.
    """

    REFUND = "REFUND"
    REPLACEMENT = "REPLACEMENT"


class ReturnReason(StrEnum):
    CHANGED_MIND = "CHANGED_MIND"
    DOES_NOT_FIT = "DOES_NOT_FIT"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    DAMAGED = "DAMAGED"
    WRONG_ITEM = "WRONG_ITEM"
    LATE = "LATE"
    LOST = "LOST"
    UNDELIVERABLE = "UNDELIVERABLE"
    OTHER = "OTHER"


class Disposition(StrEnum):
    """
    In what condition goods came back, if they did.
    """

    SELLABLE = "SELLABLE"
    DAMAGED = "DAMAGED"
    MISSING = "MISSING"
    REFUSED = "REFUSED"
