"""The words of returns."""

from enum import StrEnum
from typing import NewType
from uuid import UUID, uuid5

from services.fulfillment.domain.values import LocationId, ShipmentId

ReturnId = NewType("ReturnId", UUID)
ReceiptId = NewType("ReceiptId", UUID)
AccountId = NewType("AccountId", str)

NOBODY = AccountId("")

# Where the goods of a claim are to come.
NOWHERE = LocationId("")

# Fixed for ever: the ids of all returns that begin with a parcel follow from it.
_NAMESPACE = UUID("8d1f0b52-54c3-5a0e-9c39-2f1c7f0f6a11")


def parcel_return_id(shipment_id: ShipmentId) -> ReturnId:
    """
    Return the id of the return of a parcel that was lost or came back: always the same, so that
    opening it twice cannot make two.
    """
    return ReturnId(uuid5(_NAMESPACE, str(shipment_id)))


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
