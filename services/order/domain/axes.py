"""
The three axes on which an order moves, and which way each may go.

    status       PENDING ─→ PLACED ─→ COMPLETED      exits: REJECTED, CANCELLED
    payment      NONE ─→ AUTHORIZED ─→ PARTIALLY_PAID ─→ PAID ─→ PARTIALLY_REFUNDED ─→ REFUNDED
                              └→ VOIDED ─────────→┴←───────┴←──────────────┴←─────────────┘
    fulfillment  UNFULFILLED ─→ IN_PROGRESS ─→ PARTIALLY_FULFILLED ─→ FULFILLED ─→ DELIVERED
                                                      PARTIALLY_RETURNED ←┴────────────┘
                                                                └→ RETURNED

An axis may skip what lies between: one parcel with everything goes straight to FULFILLED. Money
that was paid back comes again when the refund fails, or a later parcel is charged. Of money whose
rest was voided, it may be heard late that some had been taken.
"""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import TypeVar

from chassis.kernel.errors import RuleViolated
from services.order.domain.values import FulfillmentStatus, OrderStatus, PaymentStatus

Axis = TypeVar("Axis", OrderStatus, PaymentStatus, FulfillmentStatus)


class OrderNotInState(RuleViolated):
    pass


# Once any of it was taken.
_TAKEN = {
    PaymentStatus.PARTIALLY_PAID,
    PaymentStatus.PAID,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
}

_BACK = {FulfillmentStatus.PARTIALLY_RETURNED, FulfillmentStatus.RETURNED}
# Once all has left that will.
_ALL_GONE = {FulfillmentStatus.FULFILLED, FulfillmentStatus.DELIVERED, *_BACK}

_MAY_BECOME: Mapping[StrEnum, Set[StrEnum]] = {
    OrderStatus.PENDING: {OrderStatus.PLACED, OrderStatus.REJECTED, OrderStatus.CANCELLED},
    OrderStatus.PLACED: {OrderStatus.COMPLETED, OrderStatus.CANCELLED},
    PaymentStatus.NONE: {PaymentStatus.AUTHORIZED},
    PaymentStatus.AUTHORIZED: {PaymentStatus.VOIDED, *_TAKEN},
    PaymentStatus.VOIDED: _TAKEN,
    PaymentStatus.PARTIALLY_PAID: _TAKEN,
    PaymentStatus.PAID: {PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED},
    PaymentStatus.PARTIALLY_REFUNDED: _TAKEN,
    PaymentStatus.REFUNDED: _TAKEN,
    FulfillmentStatus.UNFULFILLED: {
        FulfillmentStatus.IN_PROGRESS,
        FulfillmentStatus.PARTIALLY_FULFILLED,
        *_ALL_GONE,
    },
    FulfillmentStatus.IN_PROGRESS: {FulfillmentStatus.PARTIALLY_FULFILLED, *_ALL_GONE},
    FulfillmentStatus.PARTIALLY_FULFILLED: _ALL_GONE,
    FulfillmentStatus.FULFILLED: _ALL_GONE,
    FulfillmentStatus.DELIVERED: _BACK,
    FulfillmentStatus.PARTIALLY_RETURNED: _BACK,
}


def moved(current: Axis, to: Axis) -> Axis:
    """
    Return *to*, where the axis goes from *current*; staying is no move.

    Raises:
        OrderNotInState: The axis does not lead there.
    """
    if to is not current and to not in _MAY_BECOME.get(current, ()):
        raise OrderNotInState(f"an order that is {current} does not become {to}")
    return to


def after_returns(status: FulfillmentStatus, *, sent: int, returned: int) -> FulfillmentStatus:
    """
    Return what becomes of a *status* of goods that have all left, now that some came back.
    """
    if not returned:
        return status
    return FulfillmentStatus.RETURNED if returned >= sent else FulfillmentStatus.PARTIALLY_RETURNED


def after_refunds(status: PaymentStatus, *, captured: int, refunded: int) -> PaymentStatus:
    """
    Return what becomes of a *status* of money that was taken, now that some of it was paid back.
    """
    if refunded <= 0:
        return status
    whole = refunded >= captured
    return PaymentStatus.REFUNDED if whole else PaymentStatus.PARTIALLY_REFUNDED
