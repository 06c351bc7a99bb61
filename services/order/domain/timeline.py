"""What happened to an order, entry by entry."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """
    One step that changed the order.

    Attributes:
        what: What happened, such as "stock reserved".
        cause: Who or what made it happen, such as "product".
    """

    at: datetime
    what: str
    cause: str
