"""A wish for an order to be cancelled, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from services.order.domain.values import Reason, RequestState


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """
    Attributes:
        reason: On whose behalf: CUSTOMER_REQUEST or OPERATOR_REQUEST.
        note: Why, in the words of whoever asked.
        refusal: Why it was refused, such as ORDER_DISPATCHED.
    """

    reason: Reason
    note: str
    requested_at: datetime
    state: RequestState = RequestState.REQUESTED
    refusal: str = ""
