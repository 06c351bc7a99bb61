"""Whether accounts may have more orders under way: asked whenever orders are placed."""

from collections.abc import Mapping
from uuid import UUID

from services.order.application.ports import RequestKey, Transaction
from services.order.domain.account_limits import AccountLimitReached, AccountLimits, OpenOrders
from services.order.domain.order import Order
from services.order.domain.values import AccountId

Wished = Mapping[int, tuple[RequestKey, Order]]
# Whose it is, and its id.
Request = tuple[AccountId, UUID]


async def beyond_limits(wished: Wished, tx: Transaction) -> Mapping[int, AccountLimitReached]:
    """
    Return the refusals of those orders that are too much for their accounts, one after the other.

    Accounts with limits are locked until the transaction ends: no two transactions count the same
    orders and each add one. Call it before requests are claimed: whoever holds the lock may be
    waiting for a claim, never the other way round.
    """
    limits = await _limits(wished, tx)
    limited = {number: wish for number, wish in wished.items() if limits[number].exist}
    if not limited:
        return {}
    most = _most(limited, limits)
    await tx.accounts.lock([*most])
    # Only now: whoever held the lock before may have placed one of these very orders.
    done = await tx.requests.find([key for key, _ in limited.values()])
    answered = zip(limited.values(), done, strict=True)
    counted = {_request(key) for (key, _), before in answered if before is not None}
    return _refusals(limited, limits, counted=counted, used=await tx.accounts.under_way(most))


def _refusals(
    limited: Wished,
    limits: Mapping[int, AccountLimits],
    *,
    counted: set[Request],
    used: Mapping[AccountId, OpenOrders],
) -> Mapping[int, AccountLimitReached]:
    """
    Return the refusals of what is too much beside what is *used*, each order counting for those
    after it, and each of the requests *counted* no more.
    """
    used = dict(used)
    refusals: dict[int, AccountLimitReached] = {}
    for number, (key, order) in limited.items():
        if _request(key) in counted:
            continue
        try:
            limits[number].must_allow(order.grand_total, used[order.account_id])
        except AccountLimitReached as refusal:
            refusals[number] = refusal
        else:
            used[order.account_id] = used[order.account_id].plus(order.grand_total)
            counted.add(_request(key))
    return refusals


async def _limits(wished: Wished, tx: Transaction) -> Mapping[int, AccountLimits]:
    """
    Return what counts for each order: the limits of its account, else of its channel.
    """
    own = await tx.accounts.own_limits(sorted({order.account_id for _, order in wished.values()}))
    return {
        number: own[order.account_id]
        if order.account_id in own
        else tx.accounts.limits_of(order.channel)
        for number, (_, order) in wished.items()
    }


def _most(limited: Wished, limits: Mapping[int, AccountLimits]) -> Mapping[AccountId, int | None]:
    """
    Return how many orders of each account need to be looked at; `None`: all.
    """
    most: dict[AccountId, int | None] = {}
    for number, (_, order) in limited.items():
        # A sum is known only when all are seen; so many orders are enough to refuse one more.
        wanted = limits[number].open_orders or None
        before = most.get(order.account_id, 0)
        most[order.account_id] = None if wanted is None or before is None else max(wanted, before)
    return most


def _request(key: RequestKey) -> Request:
    return key.account_id, key.request_id
