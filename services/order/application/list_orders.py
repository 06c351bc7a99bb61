"""Use case: an account looks through its orders."""

from collections.abc import Sequence
from dataclasses import dataclass

from chassis.kernel.errors import InvalidInput
from services.order.application.ports import UnitOfWork
from services.order.domain.order import Order
from services.order.domain.period import ALWAYS, Period
from services.order.domain.values import AccountId, OrderId, OrderStatus

# Of all orders of a page: an answer of 100 orders with 2,000 lines each is more than callers take.
MOST_LINES = 10_000


class PageSizeOutOfRange(InvalidInput):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrders:
    """
    Attributes:
        before: Only orders older than this one; `None` for the newest.
        statuses: Only orders in one of these; empty: all.
        limit: 1 to 100.
    """

    account_id: AccountId
    before: OrderId | None
    statuses: tuple[OrderStatus, ...]
    limit: int
    period: Period = ALWAYS

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 100:
            raise PageSizeOutOfRange("page_size is 1 to 100", field="page_size")


async def list_orders(query: ListOrders, *, uow: UnitOfWork) -> tuple[Sequence[Order], bool]:
    """
    Return a page of an account's orders, newest first, and whether there are more. A page ends
    early where its orders have more than 10,000 lines; it has one order at least.
    """
    async with uow() as tx:
        orders = await tx.orders.page(
            query.account_id,
            before=query.before,
            statuses=query.statuses,
            period=query.period,
            limit=query.limit + 1,
        )
    page = orders[: min(query.limit, _fitting(orders))]
    return page, len(orders) > len(page)


def _fitting(orders: Sequence[Order]) -> int:
    """
    Return how many of *orders* fit into an answer.
    """
    lines = 0
    for number, order in enumerate(orders):
        lines += len(order.lines)
        if lines > MOST_LINES:
            return max(number, 1)
    return len(orders)
