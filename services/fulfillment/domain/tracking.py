"""What carriers say of parcels."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TrackingState(StrEnum):
    PRE_TRANSIT = "PRE_TRANSIT"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    AVAILABLE_FOR_PICKUP = "AVAILABLE_FOR_PICKUP"
    DELIVERED = "DELIVERED"
    RETURN_TO_SENDER = "RETURN_TO_SENDER"
    FAILURE = "FAILURE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEvent:
    """
    One thing that a carrier says of one parcel.

    Attributes:
        event_id: The carrier's id of it, unique for the parcel.
        occurred_at: By the carrier's clock.
    """

    event_id: str
    state: TrackingState
    occurred_at: datetime
    place: str = ""
    description: str = ""

    @property
    def is_end(self) -> bool:
        """
        Whether nothing comes of the parcel any more, if it is so.
        """
        return self.state in (TrackingState.DELIVERED, TrackingState.RETURN_TO_SENDER)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Word:
    """
    What the carrier said, as far as a parcel remembers it. Of two, the later is the greater; the
    carrier's ids decide between two of one moment, so that no order of hearing does.
    """

    at: datetime
    event_id: str
    state: TrackingState
