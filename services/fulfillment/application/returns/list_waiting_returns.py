"""Use case: the shop's people look for returns that wait for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.ports import Place
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import ReturnState
from services.fulfillment.domain.values import LocationId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWaitingReturns:
    """
    Attributes:
        state: What they wait in; `None`: for goods to be sent back.
        location_id: Only at this one; `None`: at all.
        after: Where the page before ended; `None`: this is the first.
    """

    state: ReturnState | None
    location_id: LocationId | None
    after: Place | None
    page_size: int


async def list_waiting_returns(
    query: ListWaitingReturns, *, uow: UnitOfWork
) -> tuple[Sequence[Return], bool]:
    """
    Return a page of returns that wait, the longest first, and whether there are more.
    """
    async with uow() as tx:
        found = await tx.returns.waiting(
            query.state, query.location_id, after=query.after, limit=query.page_size + 1
        )
    return found[: query.page_size], len(found) > query.page_size
