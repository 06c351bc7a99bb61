"""What follows from the answers that the return saga gets; pure."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chassis.kernel.text import Sku
from chassis.saga.steps import Outcome, TryAgain
from services.order.application.participants import Refused
from services.order.application.returns.ports import ReturnCase
from services.order.application.saga_outcomes import put_to_a_person
from services.order.domain.order import Order
from services.order.domain.values import OrderStatus

# The replacement is looked at again when it is half as old again, but not more or less often.
LOOK_AFTER = timedelta(seconds=1)
LOOK_WITHIN = timedelta(hours=1)

CaseOutcome = Outcome[ReturnCase] | TryAgain


def after_restocking(case: ReturnCase, refused: Refused | None) -> CaseOutcome:
    if refused:
        return put_to_a_person(refused, "restock_goods")
    return Outcome(next_step=_making_good(case))


def after_paying(refused: Refused | None) -> CaseOutcome:
    if refused is None:
        return Outcome(next_step="close_return")
    if refused.reason == "PAYMENT_NOT_CAPTURED":
        # It was asked to capture it: the answer to that may be on its way.
        return TryAgain(because=refused.reason)
    return put_to_a_person(refused, "refund_goods")


def after_placing(case: ReturnCase, replacement: Order, now: datetime) -> CaseOutcome:
    """
    Args:
        replacement: The order for nothing, as it is now.
    """
    sent = replacement.units_dispatched
    if sent >= case.taken.units_of_skus:
        return Outcome(next_step="close_return")
    if replacement.has_ended or replacement.is_dispatched:
        # Out of stock, or nobody sends all of it, or the customer does not want it any more.
        return Outcome(change=_pay_for_all_but(sent), next_step="decide_refund", decides=True)
    age = now - replacement.created_at
    return Outcome(
        next_step="replace_goods",
        wait=min(max(age / 2, LOOK_AFTER), LOOK_WITHIN),
        waits_for="provider" if replacement.status is OrderStatus.PLACED else "order",
    )


def after_closing(refused: Refused | None) -> CaseOutcome:
    if refused:
        return put_to_a_person(refused, "close_return")
    return Outcome(change=_settle, next_step=None)


def restocked_elsewhere(case: ReturnCase, _now: datetime) -> Outcome[ReturnCase]:
    """
    Return what follows if somebody has booked the goods in by hand.
    """
    return Outcome(next_step=_making_good(case))


def paid_elsewhere(_case: ReturnCase, _now: datetime) -> Outcome[ReturnCase]:
    """
    Return what follows if the customer got the money some other way.
    """
    return Outcome(next_step="close_return")


def told_elsewhere(_case: ReturnCase, _now: datetime) -> Outcome[ReturnCase]:
    """
    Return what follows if fulfillment has nothing to be told.
    """
    return Outcome(change=_settle, next_step=None)


def _making_good(case: ReturnCase) -> str:
    if not case.taken.units_accepted:
        return "close_return"
    return "replace_goods" if case.taken.is_replaced else "decide_refund"


def _pay_for_all_but(sent: Mapping[Sku, int]) -> Callable[[ReturnCase, datetime], None]:
    def pay_instead(case: ReturnCase, now: datetime) -> None:
        case.order.pay_instead(case.return_id, sent, now)

    return pay_instead


def _settle(case: ReturnCase, now: datetime) -> None:
    case.order.settle_return(case.return_id, now)
