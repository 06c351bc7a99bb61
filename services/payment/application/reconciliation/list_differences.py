"""Use case: a page of differences."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.payment.application.reconciliation.ports import (
    DifferenceFilter,
    DifferencePlace,
    ReconciliationUnitOfWork,
)
from services.payment.domain.settlement.differences import Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDifferences:
    """
    Attributes:
        after: The last one of the page before.
    """

    wanted: DifferenceFilter
    after: DifferencePlace | None
    limit: int


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
