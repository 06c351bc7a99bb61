"""What follows in the order saga if somebody saw to a step elsewhere; pure."""

from datetime import datetime

from chassis.saga.steps import Outcome
from services.order.application.saga_outcomes import after_following, charged
from services.order.domain.order import Order
from services.order.domain.values import RequestState


def taken_elsewhere(order: Order, now: datetime) -> Outcome[Order] | None:
    """
    Return what follows if the money and goods that were refused are where they belong.
    """
    if charge := charged(order):
        # What is left over was not refused yet: the step itself gives it back.
        return Outcome(change=charge, next_step="follow_fulfillment")
    if not order.has_rest or order.is_to_be_changed:
        return None  # it waits for somebody who has to act
    return after_following(order, now)


def settled_elsewhere(order: Order, _now: datetime) -> Outcome[Order] | None:
    """
    Return what follows if the goods that went out of a changed order are back in stock.
    """
    if order.change is None or order.change.state is not RequestState.ACCEPTED:
        return None  # only fulfillment can say whether it works by the change
    return Outcome(change=Order.settle_change, next_step="follow_fulfillment")


def given_back_elsewhere(_order: Order, _now: datetime) -> Outcome[Order]:
    """
    Return what follows if stock and money of a given-up order are back.
    """
    return Outcome(change=Order.finish_giving_up, next_step=None)
