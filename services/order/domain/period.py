"""A span of time in which orders were placed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.kernel.errors import InvalidInput
from chassis.kernel.ids import first_id_at
from services.order.domain.values import OrderId

# An order gets its id a moment after its time.
ID_IS_LATER = timedelta(minutes=1)
# There is no moment a minute after one that is later than this.
_LATEST = datetime.max.replace(tzinfo=UTC) - ID_IS_LATER

# Sort before every order, and after.
FIRST = OrderId(UUID(int=0))
LAST = OrderId(UUID(int=2**128 - 1))


class PeriodEmpty(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """
    Attributes:
        placed_from: The first moment; `None` for the beginning of time.
        placed_before: The first moment after it; `None` if it has no end.
    """

    placed_from: datetime | None = None
    placed_before: datetime | None = None

    def __post_init__(self) -> None:
        if self.placed_from and self.placed_before and self.placed_from >= self.placed_before:
            raise PeriodEmpty("placed_from must be before placed_before", field="placed_from")

    @property
    def first_id(self) -> OrderId:
        """
        An id that no order placed in the period is below.
        """
        return OrderId(first_id_at(self.placed_from)) if self.placed_from else FIRST

    def end_id(self, before: OrderId | None) -> OrderId:
        """
        Return an id that all orders placed in the period are below, and below *before*, too.
        """
        if self.placed_before is None or self.placed_before > _LATEST:
            return before or LAST
        end = OrderId(first_id_at(self.placed_before + ID_IS_LATER))
        return min(before or end, end)


ALWAYS = Period()
