"""Use case: a customer looks through returns."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.fulfillment.application.ports import UnitOfWork
from services.fulfillment.application.returns.ports import Place
from services.fulfillment.domain.returns.goods_return import Return
from services.fulfillment.domain.returns.values import AccountId
from services.fulfillment.domain.values import OrderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReturns:
    """
    Attributes:
        order_id: Only of this order; `None`: of all.
        after: Where the page before ended; `None`: this is the first.
    """

    account_id: AccountId
    order_id: OrderId | None
    after: Place | None
    page_size: int


async def list_returns(query: ListReturns, *, uow: UnitOfWork) -> tuple[Sequence[Return], bool]:
    """
    Return a page of an account's returns, newest first, and whether there are more.
    """
    async with uow() as tx:
        found = await tx.returns.of_account(
            query.account_id, query.order_id, after=query.after, limit=query.page_size + 1
        )
    return found[: query.page_size], len(found) > query.page_size
