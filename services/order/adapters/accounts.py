"""The limits of accounts, kept in PostgreSQL, and what these have under way."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import text

from chassis.kernel.money import Money
from chassis.storage.bulk import upsert_rows
from chassis.storage.database import Transaction
from services.order.adapters import tables
from services.order.domain.account_limits import NO_LIMITS, AccountLimits, OpenOrders
from services.order.domain.values import AccountId, Channel

_LIMITS = text(
    "SELECT account_id, open_orders, open_values FROM account_limits"
    " WHERE account_id = ANY(CAST(:account_ids AS text[]))"
)
_DELETE = text("DELETE FROM account_limits WHERE account_id = :account_id")
# In one order, and that of the locks themselves: two accounts may share one.
_LOCK = text(
    """
    SELECT pg_advisory_xact_lock(hashtext('account limits'), key) FROM (
        SELECT DISTINCT hashtext(account_id) AS key
        FROM unnest(CAST(:account_ids AS text[])) AS account_id ORDER BY key OFFSET 0
    ) AS keys
    """
)
# The index holds what is under way and nothing else: nearly nothing, in an old month.
_UNDER_WAY = text(
    """
    SELECT limited.account_id, currency, count(*) AS orders, sum(grand_total)::bigint AS value
    FROM unnest(CAST(:account_ids AS text[]), CAST(:most AS bigint[])) AS limited (account_id, most)
    CROSS JOIN LATERAL (
        SELECT currency, grand_total FROM orders
        WHERE orders.account_id = limited.account_id AND status IN ('PENDING', 'PLACED')
        LIMIT limited.most
    ) AS open
    GROUP BY 1, 2
    """
)


class SqlAccounts:
    """
    Args:
        channels: What counts for accounts without limits of their own.
    """

    def __init__(self, tx: Transaction, channels: Mapping[Channel, AccountLimits]) -> None:
        self._tx = tx
        self._channels = channels

    async def own_limits(
        self, account_ids: Sequence[AccountId]
    ) -> Mapping[AccountId, AccountLimits]:
        rows = await self._tx.rows(_LIMITS, {"account_ids": list(account_ids)})
        return {
            AccountId(row.account_id): AccountLimits(
                open_orders=row.open_orders,
                open_values=tuple(Money(value, currency) for value, currency in row.open_values),
            )
            for row in rows
        }

    def limits_of(self, channel: Channel) -> AccountLimits:
        return self._channels.get(channel, NO_LIMITS)

    async def put_limits(
        self, account_id: AccountId, limits: AccountLimits, *, now: datetime
    ) -> None:
        row = {
            "account_id": account_id,
            "open_orders": limits.open_orders,
            "open_values": [(value.minor_units, value.currency) for value in limits.open_values],
            "updated_at": now,
        }
        await upsert_rows(self._tx, tables.account_limits, [row], key=("account_id",))

    async def delete_limits(self, account_id: AccountId) -> None:
        await self._tx.run(_DELETE, {"account_id": account_id})

    async def lock(self, account_ids: Sequence[AccountId]) -> None:
        await self._tx.rows(_LOCK, {"account_ids": list(account_ids)})

    async def under_way(
        self, most: Mapping[AccountId, int | None]
    ) -> Mapping[AccountId, OpenOrders]:
        given = {"account_ids": [*most], "most": [*most.values()]}
        counts = dict.fromkeys(most, 0)
        values: dict[AccountId, dict[str, int]] = {account_id: {} for account_id in most}
        for row in await self._tx.rows(_UNDER_WAY, given):
            counts[row.account_id] += row.orders
            values[row.account_id][row.currency] = row.value
        return {id_: OpenOrders(count=counts[id_], values=values[id_]) for id_ in most}
