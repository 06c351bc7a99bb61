"""
What follows from the answers that the order saga gets; pure.

Each `after_…` takes what a step was answered for one order, and returns what changes and which step
comes next.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from chassis.saga.standing import A_PERSON
from chassis.saga.steps import Outcome, S, TryAgain
from services.order.application.participants import Pending, Refused
from services.order.domain.order import Order
from services.order.domain.values import Allocation, Reason

# Stock and money are found within this time or not at all. Shorter than the hold on the stock
# (10 minutes), so that an order is never confirmed on goods that are gone.
CONFIRM_WITHIN = timedelta(minutes=8)
DISPATCH_WITHIN = timedelta(days=7)
DELIVER_WITHIN = timedelta(days=30)
LOOK_AGAIN_AFTER = timedelta(days=1)
# After the time for a provider's answer is over; asking again then is no harm.
ANSWER_TOLD_WITHIN = timedelta(minutes=1)

OrderOutcome = Outcome[Order] | TryAgain


def after_reserving(answer: tuple[Allocation, ...] | Refused) -> OrderOutcome:
    if isinstance(answer, Refused):
        if answer.passing:
            return TryAgain(because=answer.reason)
        if answer.reason == Reason.OUT_OF_STOCK:
            # All or nothing, and nothing came before: there is nothing that would have to go back.
            return Outcome(change=_reject, next_step=None)
        # A step that runs again may be refused what it had: other steps may have got something.
        return given_up(_reason(answer.reason))

    def note(order: Order, now: datetime) -> None:
        order.reserve(answer, now)

    return Outcome(change=note, next_step="authorize_payment")


def after_authorizing(refused: Refused | None) -> OrderOutcome:
    if refused is None:
        return Outcome(change=Order.authorize, next_step="confirm_reservation")
    if refused.passing:
        return TryAgain(because=refused.reason)
    return given_up(Reason.PAYMENT_DECLINED)


def after_confirming(order: Order, refused: Refused | None) -> OrderOutcome:
    if refused is None:
        return Outcome(
            change=Order.confirm,
            next_step="follow_fulfillment",
            # Somebody may have asked for something meanwhile: it is seen to at once.
            wait=timedelta(0) if order.is_to_be_changed else DISPATCH_WITHIN,
            waits_for="provider",
        )
    if refused.passing:
        return TryAgain(because=refused.reason)
    return given_up(Reason.RESERVATION_EXPIRED)


def after_following(order: Order, now: datetime) -> Outcome[Order]:
    charge = charged(order)
    ends = order.has_no_parcel_under_way
    overdue = now - order.created_at - DELIVER_WITHIN
    late = bool(order.shipments) and timedelta(0) <= overdue < LOOK_AGAIN_AFTER

    def note(order: Order, now: datetime) -> None:
        if charge:
            charge(order, now)
        if ends:
            order.complete(now)
        elif late:
            what = "delivery overdue" if order.is_dispatched else "rest of the goods overdue"
            order.wait_longer(what, now)

    if ends:
        return Outcome(change=note, next_step=None)
    return Outcome(
        change=note if charge or late else None,
        next_step="follow_fulfillment",
        wait=_next_look(order, now),
        waits_for="carrier" if order.is_dispatched else "provider",
    )


def charged(order: Order) -> Callable[[Order, datetime], None] | None:
    """
    Return what notes that all parcels are charged which have left by now; `None` if they were.
    """
    parcels = [parcel.id for parcel in order.uncaptured]
    if not parcels:
        return None

    def note(order: Order, now: datetime) -> None:
        order.capture(parcels, now)

    return note


def after_changing(
    order: Order, refused: Refused | None, unsettled: Refused | None
) -> OrderOutcome:
    """
    Args:
        refused: What fulfillment says against the change.
        unsettled: What product says against getting goods back.
    """
    if refused and refused.passing:
        return TryAgain(because=refused.reason)
    if refused:
        return Outcome(change=_refuse_change(_ours(refused)), next_step="follow_fulfillment")
    if unsettled and unsettled.passing:
        return TryAgain(because=unsettled.reason)
    if unsettled and (order.is_to_be_cancelled or order.uncaptured):
        # Then all goes back, and nobody has to look into it; or a parcel is to be charged first,
        # which has nothing to do with what somebody has to look into.
        return Outcome(change=Order.apply_change, next_step="follow_fulfillment")
    if unsettled:
        return put_to_a_person(unsettled, "change_fulfillment", change=Order.apply_change)
    return Outcome(change=Order.settle_change, next_step="follow_fulfillment")


def after_cancelling(order: Order, answer: Refused | Pending | None, now: datetime) -> OrderOutcome:
    if answer is None:
        if order.cancellation and order.is_to_be_cancelled:
            return given_up(order.cancellation.reason)
        return given_up(_why_hopeless(order))
    if isinstance(answer, Pending):
        # What they answer wakes the saga. Who is silent agrees: that is told soon after.
        return Outcome(
            next_step="cancel_fulfillment",
            wait=max(answer.answer_by - now, timedelta(0)) + ANSWER_TOLD_WITHIN,
            waits_for="provider",
        )
    if answer.passing:
        return TryAgain(because=answer.reason)
    # A parcel left while we asked: its event is here, or is on the way and wakes the saga. Or a
    # provider keeps the work: it will leave, or is asked for again if there is no hope for it.
    seen_to_at_once = bool(order.shipments) or order.is_to_be_changed
    return Outcome(
        change=_refuse_cancellation(_ours(answer)) if order.is_to_be_cancelled else None,
        next_step="follow_fulfillment",
        wait=timedelta(0) if seen_to_at_once else LOOK_AGAIN_AFTER,
        waits_for="provider",
    )


def after_compensating(refused: Refused | None) -> OrderOutcome:
    if refused:
        return put_to_a_person(refused, "compensate")
    return Outcome(change=Order.finish_giving_up, next_step=None)


def put_to_a_person(
    refused: Refused, step: str, *, change: Callable[[S, datetime], None] | None = None
) -> Outcome[S] | TryAgain:
    """
    Return what to do when money or goods are refused that the subject has a right to.
    """
    if refused.passing:
        return TryAgain(because=refused.reason)
    # Asking at once would get the same answer: somebody has to look into it.
    return Outcome(
        change=change,
        next_step=step,
        wait=LOOK_AGAIN_AFTER,
        waits_for=f"{A_PERSON}: {refused.reason}",
    )


def given_up(reason: Reason) -> OrderOutcome:
    def give_up(order: Order, now: datetime) -> None:
        order.give_up(reason, now)

    # Once something went back, whoever asked again would hear of that, and not why.
    return Outcome(change=give_up, next_step="compensate", decides=True)


def is_hopeless(order: Order, now: datetime) -> bool:
    """
    Return whether nothing has left, and nothing will: not in time, or not the whole, or nobody
    would pay for it.
    """
    overdue = now >= order.created_at + DISPATCH_WITHIN
    return not order.shipments and (order.is_short or order.has_lost_its_money or overdue)


def _why_hopeless(order: Order) -> Reason:
    if order.is_short:
        return Reason.UNFULFILLABLE
    return Reason.AUTHORIZATION_EXPIRED if order.has_lost_its_money else Reason.DEADLINE_PASSED


def _next_look(order: Order, now: datetime) -> timedelta:
    within = DELIVER_WITHIN if order.shipments else DISPATCH_WITHIN
    return max(order.created_at + within - now, LOOK_AGAIN_AFTER)


def _reject(order: Order, now: datetime) -> None:
    order.reject(Reason.OUT_OF_STOCK, now)


def _refuse_change(reason: str) -> Callable[[Order, datetime], None]:
    def refuse_change(order: Order, now: datetime) -> None:
        order.refuse_change(reason, now)

    return refuse_change


def _refuse_cancellation(reason: str) -> Callable[[Order, datetime], None]:
    def refuse_cancellation(order: Order, now: datetime) -> None:
        order.refuse_cancellation(reason, now)

    return refuse_cancellation


def _reason(word: str) -> Reason:
    """
    Return why an order without stock is rejected: product's word where it is one of ours.
    """
    return Reason(word) if word in set(Reason) else Reason.OUT_OF_STOCK


def _ours(refused: Refused) -> str:
    """
    Return fulfillment's refusal in our words.
    """
    return "ORDER_DISPATCHED" if refused.reason == "ALREADY_DISPATCHED" else refused.reason
