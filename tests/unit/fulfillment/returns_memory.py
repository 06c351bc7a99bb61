"""Returns, kept in memory."""

from copy import deepcopy

from chassis.kernel.errors import Conflict
from services.fulfillment.adapters.return_rows import row_from_return


class InMemoryReturns:
    def __init__(self, by_id, received, labels) -> None:
        self.labels = dict(labels)
        self.by_id = deepcopy(by_id)
        self.read = {id_: row_from_return(some) for id_, some in by_id.items()}
        self.received = dict(received)
        self.events = []

    async def with_ids(self, ids):
        return [some for some in self.by_id.values() if some.id in ids]

    async def of_orders(self, order_ids, ids=()):
        return [r for r in self.by_id.values() if r.order_id in order_ids or r.id in ids]

    async def overdue(self, now, *, limit):
        overdue = [r for r in self.by_id.values() if r.due_at and r.due_at <= now]
        return sorted(overdue, key=lambda some: some.due_at)[:limit]

    async def find(self, return_id):
        return self.by_id.get(return_id)

    async def of_account(self, account_id, order_id, *, after, limit):
        mine = [
            some
            for some in self.by_id.values()
            if some.account_id == account_id
            and order_id in (None, some.order_id)
            and (after is None or (some.created_at, some.id) < (after.moment, after.return_id))
        ]
        return sorted(mine, key=lambda some: (some.created_at, some.id), reverse=True)[:limit]

    async def waiting(self, state, location_id, *, after, limit):
        waiting = [
            some
            for some in self.by_id.values()
            if (some.state is state if state else some.to_be_sent_back)
            and location_id in (None, some.location_id)
            and (after is None or (some.since, some.id) > (after.moment, after.return_id))
        ]
        return sorted(waiting, key=lambda some: (some.since, some.id))[:limit]

    async def receipts(self, ids):
        return {id_: self.received[id_] for id_ in ids if id_ in self.received}

    async def label(self, return_id):
        return self.labels.get(return_id)

    async def keep_label(self, return_id, label):
        self.labels[return_id] = label

    async def save(self, returns, receipts=()):
        for some in returns:
            stored = self.by_id.get(some.id)
            if stored and stored is not some:
                raise Conflict("requested twice")
            if row_from_return(some) == self.read.get(some.id):
                continue
            events = some.pull_events()
            some.version += 1
            some.event_count += len(events)
            self.by_id[some.id] = some
            self.events += events
        for receipt in receipts:
            if receipt.id in self.received:
                raise Conflict("received twice")
            self.received[receipt.id] = receipt
