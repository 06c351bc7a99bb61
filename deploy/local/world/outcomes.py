"""
What becomes of orders, followed cheaply: by listening to their events as they are published, and
by asking for the few that were not heard of (a notice may be lost, the orders never are).
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.local.world.patience import Patience
from deploy.local.world.services import Services
from retail.order.v1 import order_events_pb2 as events
from retail.order.v1 import order_service_pb2 as pb

ENDS: dict[str, Any] = {
    "OrderCompleted": events.OrderCompleted,
    "OrderRejected": events.OrderRejected,
    "OrderCancelled": events.OrderCancelled,
}
ENDED = {
    pb.ORDER_STATUS_COMPLETED,
    pb.ORDER_STATUS_REJECTED,
    pb.ORDER_STATUS_CANCELLED,
}

# An order that was not heard of for so long is asked for.
SILENT_SECONDS = 10.0
BETWEEN_LOOKS_SECONDS = 2.0
MOST_LOOKS = 100
FORGET_SECONDS = 120.0


@dataclass(slots=True, kw_only=True)
class Followed:
    """
    An order under way.

    Attributes:
        key: What we call it, such as an invoice number.
        asked_at: When we asked for it to be placed.
        confirmed: How many seconds later it was confirmed, if we heard it.
        ended: How many seconds later it ended, if we heard it.
        status: Such as COMPLETED, once it has ended.
        reason: Why it was rejected or cancelled.
    """

    key: str
    account_id: str
    order_id: str
    asked_at: float
    looked_at: float
    confirmed: float | None = None
    ended: float | None = None
    status: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    name: str
    at: float
    reason: str


class Outcomes:
    """
    Every order that we placed.

    Args:
        told: Called with each order when it has ended.
    """

    def __init__(
        self,
        *,
        services: Services,
        patience: Patience,
        told: Callable[[Followed], None] = lambda _order: None,
    ) -> None:
        self._services = services
        self._patience = patience
        self._told = told
        self._open: dict[str, Followed] = {}
        self._early: dict[str, list[Heard]] = {}
        self._changed = asyncio.Event()
        self.followed: list[Followed] = []
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        return len(self._open)

    @property
    def ended(self) -> int:
        return len(self.followed) - len(self._open)

    def follow(self, key: str, order: pb.Order, *, asked_at: float) -> Followed:
        """
        Follow *order* to its end, which may have come already.
        """
        followed = Followed(
            key=key,
            account_id=order.account_id,
            order_id=order.order_id,
            asked_at=asked_at,
            looked_at=time.monotonic(),
        )
        self.followed.append(followed)
        self.counts["placed"] += 1
        self._open[order.order_id] = followed
        for heard in self._early.pop(order.order_id, ()):
            self._note(followed, heard)
        if order.status in ENDED and not followed.status:
            self._end(followed, pb.OrderStatus.Name(order.status), order.reason)
        return followed

    def refuse(self, reason: str) -> None:
        """
        Note that an order was not accepted at all.
        """
        self.refused[reason] += 1

    async def room(self, most: int) -> None:
        """
        Wait until fewer than *most* orders are under way.
        """
        while len(self._open) >= most:
            self._changed.clear()
            await self._changed.wait()

    async def all_ended(self) -> None:
        await self.room(1)

    async def look(self) -> None:
        """
        Ask for orders that were not heard of, until cancelled.
        """
        while True:
            await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
            now = time.monotonic()
            silent = [o for o in self._open.values() if now - o.looked_at > SILENT_SECONDS]
            for order in silent[:MOST_LOOKS]:
                await self._ask_for(order)
            for id_ in [i for i, h in self._early.items() if now - h[0].at > FORGET_SECONDS]:
                del self._early[id_]  # somebody else's order

    async def hear(self, message: Msg) -> None:
        """
        Note what an event says.
        """
        at = time.monotonic()
        name = message.subject.rpartition(".")[2]
        order_id = (message.headers or {}).get("ce-subject", "")
        end = ENDS.get(name)
        reason = getattr(end.FromString(message.data), "reason", "") if end else ""
        heard = Heard(name, at, reason)
        if followed := self._open.get(order_id):
            self._note(followed, heard)
        else:
            # Perhaps the answer that tells us of the order is still on its way.
            self._early.setdefault(order_id, []).append(heard)

    async def _ask_for(self, followed: Followed) -> None:
        request = pb.GetOrderRequest(account_id=followed.account_id, order_id=followed.order_id)
        order = (await self._patience(self._services.order.GetOrder, request)).order
        followed.looked_at = time.monotonic()
        if order.status in ENDED and not followed.status:
            self._end(followed, pb.OrderStatus.Name(order.status), order.reason)

    def _note(self, followed: Followed, heard: Heard) -> None:
        followed.looked_at = heard.at
        seconds = heard.at - followed.asked_at
        if heard.name == "OrderConfirmed" and followed.confirmed is None:
            followed.confirmed = seconds
            self.counts["confirmed"] += 1
        elif heard.name in ENDS and not followed.status:
            followed.ended = seconds
            self._end(followed, heard.name.removeprefix("Order").upper(), heard.reason)

    def _end(self, followed: Followed, status: str, reason: str) -> None:
        followed.status = status.removeprefix("ORDER_STATUS_")
        followed.reason = reason
        self.counts[followed.status.lower()] += 1
        self._open.pop(followed.order_id, None)
        self._changed.set()
        self._told(followed)


@asynccontextmanager
async def listening(outcomes: Outcomes, broker: Client) -> AsyncGenerator[None]:
    """
    Follow the orders of *outcomes* for the length of the block.
    """
    subjects = ("OrderConfirmed", *ENDS)
    subscriptions = [
        await broker.subscribe(f"retail.order.v1.{subject}", cb=outcomes.hear)
        for subject in subjects
    ]
    # The server must have them before the first order is placed.
    await broker.flush()
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(outcomes.look())
        try:
            yield
        finally:
            looking.cancel()
            if broker.is_connected:
                for subscription in subscriptions:
                    await subscription.unsubscribe()
