"""The limits of accounts, in memory."""

from services.order.domain.account_limits import NO_LIMITS, OpenOrders


class InMemoryAccounts:
    def __init__(self, own, channels, orders) -> None:
        self.own = dict(own)
        self._channels = channels
        self._orders = orders

    async def own_limits(self, account_ids):
        return {id_: self.own[id_] for id_ in account_ids if id_ in self.own}

    def limits_of(self, channel):
        return self._channels.get(channel, NO_LIMITS)

    async def put_limits(self, account_id, limits, *, now):  # noqa: ARG002
        self.own[account_id] = limits

    async def delete_limits(self, account_id):
        self.own.pop(account_id, None)

    async def lock(self, account_ids):
        pass

    async def under_way(self, most):
        used = {}
        for account_id, limit in most.items():
            used[account_id] = OpenOrders()
            for total in self._open(account_id)[:limit]:
                used[account_id] = used[account_id].plus(total)
        return used

    def _open(self, account_id):
        return [
            order.grand_total
            for order in self._orders.values()
            if order.account_id == account_id and not order.has_ended
        ]
