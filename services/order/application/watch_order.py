"""Use case: an account follows one of its orders."""

from collections.abc import AsyncIterator, Sequence

from chassis.kernel.errors import InvalidInput
from services.order.application.get_order import get_order
from services.order.application.ports import OrderChanges, TracedEntry, UnitOfWork
from services.order.domain.order import Order
from services.order.domain.values import AccountId, OrderId


class VersionNegative(InvalidInput):
    pass


async def watch_order(
    account_id: AccountId,
    order_id: OrderId,
    *,
    after_version: int = 0,
    uow: UnitOfWork,
    changes: OrderChanges,
) -> AsyncIterator[tuple[Order, Sequence[TracedEntry]]]:
    """
    Yield an order as it is, and again whenever it has changed, until it has ended. Each version
    is later than the one before, so whoever is cut off goes on where he was, at any replica.

    Args:
        after_version: What was seen before: nothing is yielded up to this version.

    Raises:
        VersionNegative: There is no such version.
        OrderNotFound: This account has no such order.
    """
    if after_version < 0:
        raise VersionNegative("after_version is not negative", field="after_version")
    seen = after_version
    async for _ in changes.watch(order_id):
        order, timeline = await get_order(account_id, order_id, uow=uow)
        if order.version > seen:
            seen = order.version
            yield order, timeline
        if order.has_ended:
            return
