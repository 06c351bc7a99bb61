"""Fulfillment and its providers and carriers, in memory: they take their time, or never do it."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.order.application.note_deliveries import NoteDelivery, note_deliveries
from services.order.application.note_dispatches import NoteDispatch, note_dispatches
from services.order.application.note_unfulfillable import NoteUnfulfillable, note_unfulfillable
from services.order.application.note_work_accepted import NoteWorkAccepted, note_work_accepted
from services.order.application.note_work_given_up import NoteWorkGivenUp, note_work_given_up
from services.order.application.note_work_kept import NoteWorkKept, note_work_kept
from services.order.application.participants import FulfillmentChange, Pending, Refused
from services.order.domain.events import OrderConfirmed
from services.order.domain.order import Order
from services.order.domain.values import Allocation, Goods, LocationId, OrderId, ShipmentId
from tests.simulation.peers import SOUTH, refused

if TYPE_CHECKING:
    from tests.simulation.world import World

MINUTE, DAY = 60.0, 86_400.0
RUSH_SECONDS = 2.0
ANSWER_WITHIN = timedelta(hours=1)


class Ways(StrEnum):
    """
    What providers and carriers make of an order.
    """

    PROMPT = "prompt"
    # In many parcels, down to single units.
    SPLIT = "split"
    # The same, all within seconds: much happens while a step runs.
    RUSH = "rush"
    # Around the time at which the order service gives up.
    SLOW = "slow"
    NEVER = "never dispatched"
    NOBODY = "no provider"
    SHORT = "no provider in the south"
    UNDELIVERED = "never delivered"


@dataclass(slots=True)
class Work:
    """
    The work on what one location gives for an order.
    """

    order_id: OrderId
    location_id: LocationId
    left: list[Allocation]
    # All that is to be sent, whether or not it has left.
    goods: list[Allocation]
    accepted: bool = False
    cancelled: bool = False
    parcels: int = 0
    untold: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)


class Fulfillment:
    def __init__(self, world: "World") -> None:
        self._world = world
        self._shut: set[OrderId] = set()
        self._given_up: set[OrderId] = set()
        self.work: dict[OrderId, list[Work]] = defaultdict(list)
        self.ways: dict[OrderId, Ways] = {}
        self.changed: dict[OrderId, int] = {}
        # By when providers are to say whether work can be given up, and until when a no holds.
        self._asked: dict[OrderId, datetime] = {}
        self._kept: dict[OrderId, datetime] = {}

    async def hear(self, event: OrderConfirmed) -> None:
        """
        Open the work on a confirmed order, unless it was cancelled before this was heard of.
        """
        order_id = event.order_id
        if order_id in self._shut or self.work[order_id]:
            return
        by_location: dict[LocationId, list[Allocation]] = defaultdict(list)
        for allocation in event.goods:
            by_location[allocation.location_id].append(allocation)
        for location_id, goods in by_location.items():
            work = Work(order_id, location_id, goods, goods)
            self.work[order_id].append(work)
            self._world.spawn(self._do(work, self.ways[order_id]))
            self._world.spawn(self._tell(work))

    def cancel(self, order: Order, *, moody: bool) -> Refused | Pending | None:
        self._shut.add(order.id)
        works = self.work[order.id]
        if moody and works and not works[0].cancelled and works[0].left:
            # A parcel leaves at this very moment.
            self._dispatch(works[0], works[0].left)
        if any(work.parcels for work in works):
            return refused("ALREADY_DISPATCHED")
        now = self._world.clock()
        if not any(work.accepted and not work.cancelled for work in works):
            self._give_up(order.id)
            return None
        if now < self._kept.get(order.id, now):
            return refused("CANCELLATION_REJECTED")
        if order.id not in self._asked:
            self._asked[order.id] = now + ANSWER_WITHIN
            self._world.spawn(self._answer(order.id))
        return Pending(answer_by=self._asked[order.id])

    async def _answer(self, order_id: OrderId) -> None:
        """
        Say whether the work can be given up, at some time or by silence.
        """
        chance = self._world.random
        await asyncio.sleep(min(chance.uniform(0, 1.5), 1.0) * ANSWER_WITHIN.total_seconds())
        by = self._asked.pop(order_id)
        if not any(work.parcels for work in self.work[order_id]) and chance.random() < 0.6:
            self._give_up(order_id)
            return
        self._kept[order_id] = by
        for work in self.work[order_id]:
            if work.accepted and not work.cancelled:
                self._put(work, note_work_kept, NoteWorkKept, {"provider_id": "p", "reason": ""})

    def _give_up(self, order_id: OrderId) -> None:
        self._given_up.add(order_id)
        for work in self.work[order_id]:
            if not work.cancelled:
                work.cancelled = True
                self._put(work, note_work_given_up, NoteWorkGivenUp, {})

    def change(self, change: FulfillmentChange, *, moody: bool) -> Refused | None:
        order_id = change.order_id
        works = self.work[order_id]
        if self.changed.get(order_id, 0) >= change.number:
            return None
        if order_id in self._given_up:
            return refused("FULFILLMENT_CANCELLED")
        if not works:
            return Refused(reason="FULFILLMENT_NOT_OPEN", passing=True)
        if order_id in self._asked:
            return Refused(reason="CANCELLATION_UNDER_WAY", passing=True)
        if moody and works[0].left and not works[0].cancelled:
            # A parcel leaves at this very moment.
            self._dispatch(works[0], works[0].left)
        if any(work.parcels for work in works):
            return refused("ALREADY_DISPATCHED")
        self.changed[order_id] = change.number
        for work in works:
            work.goods = [a for a in change.goods if a.location_id == work.location_id]
            # What no provider wants stays so.
            work.left = work.goods if work.left else []
            work.cancelled = work.cancelled or not work.goods
        return None

    async def _do(self, work: Work, ways: Ways) -> None:
        chance = self._world.random
        pause = RUSH_SECONDS if ways is Ways.RUSH else DAY
        await asyncio.sleep(chance.uniform(0, min(pause, 10 * MINUTE)))
        if ways is Ways.NOBODY or (ways is Ways.SHORT and work.location_id == SOUTH):
            if not work.cancelled:
                work.left = []
                self._put(work, note_unfulfillable, NoteUnfulfillable, {})
            return
        if work.cancelled:
            return
        work.accepted = True
        self._put(work, note_work_accepted, NoteWorkAccepted, {"provider_id": "p"})
        if ways is Ways.NEVER:
            return
        await asyncio.sleep(
            chance.uniform(6.9 * DAY, 7.1 * DAY) if ways is Ways.SLOW else chance.uniform(0, pause)
        )
        while work.left and not work.cancelled:
            goods = self._some(work) if ways in {Ways.SPLIT, Ways.RUSH} else work.left
            shipment_id = self._dispatch(work, goods)
            await asyncio.sleep(chance.uniform(0, pause))
            if ways is not Ways.UNDELIVERED:
                self._put(
                    work,
                    note_deliveries,
                    NoteDelivery,
                    {"shipment_id": shipment_id, "at": self._world.clock()},
                )

    def _some(self, work: Work) -> list[Allocation]:
        """
        Return some units of one SKU of what is left.
        """
        first = work.left[0]
        return [replace(first, units=self._world.random.randint(1, first.units))]

    def _dispatch(self, work: Work, goods: list[Allocation]) -> ShipmentId:
        work.parcels += 1
        name = f"{work.order_id.int}{work.location_id}{work.parcels}"
        shipment_id = ShipmentId(UUID(bytes=name.encode().rjust(16, b"\0")[-16:]))
        self._put(
            work,
            note_dispatches,
            NoteDispatch,
            {
                "shipment_id": shipment_id,
                "location_id": work.location_id,
                "goods": tuple(Goods(sku=a.sku, units=a.units) for a in goods),
                "at": self._world.clock(),
                "change_number": self.changed.get(work.order_id, 0),
            },
        )
        sent = Counter({a.sku: a.units for a in goods})
        work.left = [
            replace(a, units=a.units - sent[a.sku]) for a in work.left if a.units > sent[a.sku]
        ]
        return shipment_id

    def _put(
        self, work: Work, note: Callable[..., Any], kind: Callable[..., Any], says: dict[str, Any]
    ) -> None:
        if kind in (NoteUnfulfillable,):
            says = {"location_id": work.location_id, **says}
        work.untold.put_nowait((note, kind(order_id=work.order_id, **says)))

    async def _tell(self, work: Work) -> None:
        """
        Tell the order service what happened, in order for each location, late, some of it twice.
        """
        world = self._world
        while True:
            note, command = await work.untold.get()
            rush = self.ways[work.order_id] is Ways.RUSH
            await asyncio.sleep(world.random.expovariate(1 / (0.2 if rush else 5.0)))
            # What adds to the timeline is told once: the inbox sees to it.
            once = (NoteWorkAccepted, NoteWorkKept)
            twice = not isinstance(command, once) and world.random.random() < 0.3
            for _ in range(2 if twice else 1):
                world.log(f"heard: {type(command).__name__} of {world.name(command.order_id)}")
                await self._world.note(note, command)
