"""
The order service's database, in memory: transactions that roll back, versions, claims and leases.

A transaction never waits inside, so each is alone with the data, as behind the locks on its sagas.
What it reads and saves are copies: nobody changes what was not saved.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from chassis.kernel.errors import Conflict
from chassis.saga.standing import Standing, StandingQuery
from chassis.saga.steps import Move
from chassis.saga.store import Claim
from services.order.application.ports import OrderNotFound, TracedEntry
from services.order.application.returns.ports import ReturnCase
from services.order.domain.order import Order
from services.order.domain.timeline import TimelineEntry
from services.order.domain.values import AccountId, OrderId

T = TypeVar("T")


def copied(value: T) -> T:
    """
    Return a copy of *value* that shares with it only what nobody can change.
    """
    kind = type(value)
    if kind is dict:
        return {key: copied(each) for key, each in value.items()}  # type: ignore[return-value,attr-defined]
    if kind is list:
        return [copied(each) for each in value]  # type: ignore[return-value,attr-defined]
    twin = value if not (names := _changeable(kind)) else copy(value)
    for name in names:
        each = getattr(value, name)
        if type(each) in (dict, list) or _changeable(type(each)):
            setattr(twin, name, copied(each))
    return twin


@cache
def _changeable(kind: type[Any]) -> tuple[str, ...]:
    """
    Return the fields of a *kind* of objects that can be changed; none if it cannot.
    """
    parameters = getattr(kind, "__dataclass_params__", None)
    if parameters is None or parameters.frozen:
        return ()
    return tuple(each.name for each in fields(kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    A saga as its row says.
    """

    id: UUID
    step: str
    due_at: datetime
    since: datetime
    began_at: datetime
    claim: int = 0
    attempts: int = 0
    waits_for: str = ""
    last_error: str = ""
    leased_by: str = ""

    @property
    def standing(self) -> Standing:
        names = Standing.__dataclass_fields__
        return Standing(**{name: getattr(self, name) for name in names})


@dataclass(slots=True)
class Memory:
    """
    What is committed.

    Attributes:
        told: Called after each commit, with its events.
    """

    orders: dict[OrderId, Order] = field(default_factory=dict)
    sagas: dict[UUID, Row] = field(default_factory=dict)
    timelines: dict[OrderId, list[TimelineEntry]] = field(default_factory=dict)
    told: Callable[[Sequence[Any]], None] = lambda _events: None

    def order(self, order_id: OrderId) -> Order:
        return copied(self.orders[order_id])

    def due(self, now: datetime) -> Sequence[str]:
        """
        Return the steps at which something is due, each once.
        """
        return list(dict.fromkeys(row.step for row in self.sagas.values() if row.due_at <= now))


class MemoryTransaction:
    """
    What a use case and the saga runner reach within one transaction.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._saved: dict[OrderId, Order] = {}
        self.sagas = MemorySagas(memory.sagas)
        self.orders = self
        self.returns = MemoryReturns(self)

    @property
    def changed(self) -> bool:
        return bool(self._saved or self.sagas.rows or self.sagas.ended)

    async def find(self, order_ids: Sequence[OrderId]) -> dict[OrderId, Order]:
        known = [id_ for id_ in dict.fromkeys(order_ids) if id_ in self._memory.orders]
        return {id_: self._memory.order(id_) for id_ in known}

    def all_orders(self) -> Sequence[Order]:
        return [self._memory.order(id_) for id_ in self._memory.orders]

    async def get(self, account_id: AccountId, order_id: OrderId) -> Order:
        order = (await self.find([order_id])).get(order_id)
        if order is None or order.account_id != account_id:
            raise OrderNotFound(f"there is no order {order_id}")
        return order

    async def page(self, *_arguments: Any, **_more: Any) -> Sequence[Order]:
        raise NotImplementedError

    async def timeline(self, order_id: OrderId) -> Sequence[TracedEntry]:
        entries = self._memory.timelines.get(order_id, [])
        return [TracedEntry(entry=entry, trace_id="") for entry in entries]

    async def save(self, orders: Sequence[Order]) -> None:
        self._saved |= {order.id: order for order in orders}

    async def subjects(self, ids: Sequence[UUID]) -> dict[UUID, Order]:
        found = await self.find([OrderId(id_) for id_ in ids])
        return {order.id: order for order in found.values()}

    async def save_subjects(self, subjects: Sequence[Order]) -> None:
        await self.save(subjects)

    def commit(self) -> None:
        """
        Raises:
            Conflict: Someone else saved one of the orders since it was read.
        """
        memory = self._memory
        for order in self._saved.values():
            known = memory.orders.get(order.id)
            if (known.version if known else 0) != order.version:
                raise Conflict(f"order {order.id} has changed meanwhile")
        events = []
        for order in self._saved.values():
            order.version += 1
            order.news_count += len(order.news)
            memory.timelines.setdefault(order.id, []).extend(order.news)
            order.news.clear()
            events += order.pull_events()
            memory.orders[order.id] = copied(order)
        memory.sagas.update(self.sagas.rows)
        for id_ in self.sagas.ended:
            memory.sagas.pop(id_, None)
        memory.told(events)


class MemoryReturns:
    """
    The returns of the orders of one transaction.
    """

    def __init__(self, tx: MemoryTransaction) -> None:
        self._tx = tx

    async def find(self, ids: Sequence[UUID]) -> dict[UUID, ReturnCase]:
        return {
            return_id: ReturnCase(order=order, return_id=return_id)
            for order in self._tx.all_orders()
            for return_id in order.returns
            if return_id in ids
        }


class MemorySagas:
    """
    The sagas of one transaction, as chassis.saga.store keeps them.
    """

    def __init__(self, committed: Mapping[UUID, Row]) -> None:
        self._committed = committed
        self.rows: dict[UUID, Row] = {}
        self.ended: set[UUID] = set()

    def _row(self, id_: UUID) -> Row | None:
        return None if id_ in self.ended else self.rows.get(id_) or self._committed.get(id_)

    async def start(self, step: str, traces: Mapping[UUID, str], *, now: datetime) -> None:
        self.rows |= {
            id_: Row(id=id_, step=step, due_at=now, since=now, began_at=now) for id_ in traces
        }

    async def wake(self, ids: Sequence[UUID], *, now: datetime) -> None:
        for id_ in ids:
            if row := self._row(id_):
                self.rows[id_] = replace(row, due_at=now, claim=row.claim + 1)

    async def claim(
        self, step: str, *, limit: int, lease: timedelta, now: datetime, by: str = ""
    ) -> list[Claim]:
        due = [row for row in self._committed.values() if row.step == step and row.due_at <= now]
        claims = []
        for row in sorted(due, key=lambda row: (row.due_at, row.id))[:limit]:
            taken = replace(row, due_at=now + lease, claim=row.claim + 1, leased_by=by)
            self.rows[row.id] = taken
            claims.append(Claim(taken.id, taken.claim, taken.attempts, ""))
        return claims

    async def still_ours(self, step: str, claims: Sequence[Claim]) -> set[UUID]:
        return {
            claim.id
            for claim in claims
            if (row := self._row(claim.id)) and (row.claim, row.step) == (claim.number, step)
        }

    async def take_back(self, by: str, *, now: datetime) -> int:
        left = [r for r in self._committed.values() if r.leased_by == by and r.due_at > now]
        for row in left:
            self.rows[row.id] = replace(row, due_at=now, claim=row.claim + 1, leased_by="")
        return len(left)

    async def move(self, moves: Sequence[Move], *, now: datetime) -> None:
        for move in moves:
            row = self._row(move.id)
            if row is None:
                continue
            stays = (row.step, row.waits_for) == (move.step, move.waits_for)
            self.rows[move.id] = replace(
                row,
                step=move.step,
                due_at=move.due_at,
                waits_for=move.waits_for,
                attempts=move.attempts,
                last_error=move.last_error,
                since=row.since if stays else now,
                leased_by=row.leased_by if move.leased else "",
            )

    async def end(self, ids: Sequence[UUID]) -> None:
        self.ended |= set(ids)

    async def next_due(self, step: str) -> datetime | None:
        return min((r.due_at for r in self._committed.values() if r.step == step), default=None)

    async def find(self, ids: Sequence[UUID]) -> dict[UUID, Standing]:
        return {id_: row.standing for id_ in ids if (row := self._row(id_))}

    hold = find

    async def page(self, query: StandingQuery) -> Sequence[Standing]:
        standings = [row.standing for row in self._committed.values()]
        wanted = [
            standing
            for standing in sorted(standings, key=lambda s: (s.since, s.id))
            if (query.after is None or (standing.since, standing.id) > query.after)
            and query.step in {"", standing.step}
            and standing.waits_for.startswith(query.waits_for)
            and (query.before is None or standing.since <= query.before)
            and (not query.stuck or standing.is_stuck)
        ]
        return wanted[: query.limit]
