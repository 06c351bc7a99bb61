"""Use case: a page of differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput
from services.payment.application.reconciliation.ports import (
    DifferenceFilter,
    DifferencePlace,
    ReconciliationUnitOfWork,
)
from services.payment.domain.settlement.differences import Difference

MOST_DIFFERENCES = 1_000


class PageSizeOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDifferences:
    """
    Attributes:
        after: The last one of the page before.
    """

    wanted: DifferenceFilter
    after: DifferencePlace | None
    limit: int

    def __post_init__(self) -> None:
        if not 0 < self.limit <= MOST_DIFFERENCES:
            raise PageSizeOutOfRange(
                f"page_size is 1 to {MOST_DIFFERENCES:,}, not {self.limit}", field="page_size"
            )


async def list_differences(
    command: ListDifferences, *, uow: ReconciliationUnitOfWork
) -> tuple[Sequence[Difference], bool]:
    """
    Return the differences of a page, and whether there are more.
    """
    async with uow() as tx:
        found = await tx.differences.page(
            command.wanted, after=command.after, limit=command.limit + 1
        )
    return found[: command.limit], len(found) > command.limit
