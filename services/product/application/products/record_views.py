"""Use case: shoppers have looked at products."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.clock import Clock
from chassis.kernel.errors import InvalidInput
from services.product.application.ports.activity import Counts
from services.product.domain.values import ProductId

MOST_VIEWS = 1_000_000


class ViewsOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordViews:
    """
    Attributes:
        count: 1 to 1,000,000.
    """

    product_id: ProductId
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST_VIEWS:
            raise ViewsOutOfRange(
                f"a product is looked at 1 to {MOST_VIEWS:,} times, not {self.count}", field="count"
            )


def record_views(commands: Sequence[RecordViews], *, counts: Counts, clock: Clock) -> None:
    """
    Count views as of today. Whether there is such a product shows when counts are kept: those of
    unknown ones are dropped there.

    Not safe to repeat: views that are told twice count twice.
    """
    day = clock().date()
    for command in commands:
        counts.viewed(command.product_id, command.count, day=day)
