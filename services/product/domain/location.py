"""The Location aggregate: a warehouse, or a shop that ships."""

from dataclasses import dataclass
from enum import StrEnum

from chassis.kernel.errors import InvalidInput, NotFound, RuleViolated
from chassis.kernel.text import check_text
from services.product.domain.values import LocationId

LAST_PRIORITY = 1_000
LONGEST_NAME = 200
# They are listed all at once.
MOST_LOCATIONS = 1_000


class LocationState(StrEnum):
    OPEN = "OPEN"
    CLOSED = "CLOSED"


class PriorityOutOfRange(InvalidInput):
    pass


class LocationNotFound(NotFound):
    pass


class LocationsFull(RuleViolated):
    pass


class LocationUnknown(RuleViolated):
    pass


class LocationClosed(RuleViolated):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """
    Where goods lie. Nothing new is reserved from a CLOSED one or booked into it.

    Attributes:
        priority: Which serves first: the lowest.
        version: Counts its changes; 1 when it is new.
    """

    id: LocationId
    name: str
    priority: int = 0
    state: LocationState = LocationState.OPEN
    version: int = 1

    def __post_init__(self) -> None:
        check_text(self.name, "name", most=LONGEST_NAME)
        if not 0 <= self.priority <= LAST_PRIORITY:
            raise PriorityOutOfRange(
                f"a priority is 0 to {LAST_PRIORITY:,}, not {self.priority}", field="priority"
            )

    @property
    def etag(self) -> str:
        return str(self.version)
