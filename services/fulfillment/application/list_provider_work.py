"""Use case: a provider looks at the work it has under way."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput
from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.domain.fulfillment_order import FulfillmentOrder
from services.fulfillment.domain.values import FulfillmentOrderId, ProviderId

MOST_ON_A_PAGE = 200


class PageSizeOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListProviderWork:
    """
    Attributes:
        after: The last one of the page before; none for the first page.
        limit: How many are wanted.
    """

    provider_id: ProviderId
    after: FulfillmentOrderId | None
    limit: int

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST_ON_A_PAGE:
            raise PageSizeOutOfRange(
                f"page_size must be 1 to {MOST_ON_A_PAGE}, or 0 for the default, not {self.limit}",
                field="page_size",
            )


async def list_provider_work(
    command: ListProviderWork, *, uow: UnitOfWork
) -> tuple[Sequence[FulfillmentOrder], bool]:
    """
    Return the work that a provider has accepted and that has not ended, by id, and whether there
    is more of it. What ends or begins meanwhile moves nothing from one page to another.
    """
    async with uow() as tx:
        work = await tx.fulfillment_orders.done_by(
            command.provider_id, after=command.after, limit=command.limit + 1
        )
    return work[: command.limit], len(work) > command.limit
