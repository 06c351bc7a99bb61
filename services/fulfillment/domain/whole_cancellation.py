"""
All the work of an order is given up, or none of it.

Each function takes all the work of one order. Who has accepted some is asked; one no, or one parcel
that leaves, and all of it goes on; all agreed, and all of it ends in one step.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import OrderId, RequestStatus

OTHERS_GO_ON = "other work on the order goes on"


def cancel_whole(
    work: Sequence[FulfillmentOrder], *, now: datetime, answer_by: datetime
) -> datetime | None:
    """
    Give the work up, or ask for that; return by when all who are asked will have answered, `None`
    if it is given up.

    Raises:
        AlreadyDispatched: A parcel has left.
        CancellationRejected: A provider has said no, which still holds.
    """
    for part in work:
        part.must_not_be_dispatched()
    for part in work:
        part.must_not_be_kept(now)
    for part in work:
        part.lapse_cancellation(now)
    return _go_on_cancelling(work, answer_by)


def settle_cancellation(work: Sequence[FulfillmentOrder], *, answer_by: datetime) -> None:
    """
    Go on with what was asked, now that somebody has answered. Who has accepted some work only
    meanwhile is asked now, and has until *answer_by*.
    """
    if not any(part.is_asked or part.has_agreed for part in work):
        return  # nobody asks, or all is decided
    # A no of this very request: whoever had said no to an earlier one was asked anew.
    refused = any(part.request_status is RequestStatus.CANCELLATION_REJECTED for part in work)
    # A parcel that leaves ends the request: this only keeps whoever calls from failing for ever.
    left = any(shipment.has_left for part in work for shipment in part.shipments)
    if refused or left:
        keep_whole(work, OTHERS_GO_ON)
    else:
        _go_on_cancelling(work, answer_by)


def keep_whole(work: Sequence[FulfillmentOrder], reason: str) -> None:
    """
    Go on with all of the work, whatever was asked and answered.
    """
    for part in work:
        part.keep(reason)


def by_order(found: Iterable[FulfillmentOrder]) -> Mapping[OrderId, Sequence[FulfillmentOrder]]:
    """
    Return all the work of each order; nothing for those without any.
    """
    work: dict[OrderId, list[FulfillmentOrder]] = defaultdict(list)
    for part in found:
        work[part.order_id].append(part)
    return work


def _go_on_cancelling(work: Sequence[FulfillmentOrder], answer_by: datetime) -> datetime | None:
    for part in work:
        part.request_cancellation(answer_by)
    if asked := [part.answer_cancellation_by for part in work if part.is_asked]:
        return max(by for by in asked if by)
    for part in work:
        part.cancel()
    return None
