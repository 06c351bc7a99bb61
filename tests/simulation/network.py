"""The way between the order service and the others: slow, lossy, and never exactly once."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar

from services.order.application.participants import FulfillmentChange, Pending, Refused
from services.order.domain.order import Order
from services.order.domain.shipment import Shipment
from services.order.domain.values import Allocation
from tests.simulation.faults import Fault, StepRun

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_here: ContextVar[tuple[StepRun, "Process"]] = ContextVar("here")

# The faults in which the call never arrives; all others have their effect.
_BEFORE = {Fault.TIMEOUT_BEFORE, Fault.CRASH_BEFORE}
_LATE_SECONDS = (1.0, 7_200.0)


class Network:
    """
    Carries every call of a step, and lets the step's fault meet one of them.
    """

    def __init__(self, world: "World") -> None:
        self._world = world

    def enter(self, run: StepRun, process: "Process") -> None:
        """
        Say who calls from here on.
        """
        _here.set((run, process))

    async def call(
        self, verb: str, items: Sequence[Item], effect: Callable[..., Answer]
    ) -> Sequence[Answer | Refused]:
        """
        Return what *effect* answers to each of *items*.
        """
        world = self._world
        run, process = _here.get()
        fault = run.fault if run.calls == run.at_call and not run.met else Fault.OK
        run.calls += 1
        await asyncio.sleep(world.random.uniform(0.001, 0.3))
        if world.is_away(verb):
            raise ConnectionError(f"{verb}: nobody there")
        if fault is not Fault.OK:
            run.met = True
            world.log(f"  {verb} meets {fault}")
        world.chance.met(run.step, fault)
        if fault in _BEFORE:
            if world.random.random() < 0.5:
                # It was under way for very long, and arrives when nobody waits any more.
                world.spawn(self._arrive_late(verb, [_snapshot(item) for item in items], effect))
            await process.meet(fault)
        if fault is Fault.UNKNOWN and world.random.random() < 0.5:
            return [Refused(reason="OUTCOME_UNKNOWN", passing=True) for _ in items]
        answers = self._arrive(verb, items, effect, fault)
        if fault is Fault.UNKNOWN:
            return [Refused(reason="OUTCOME_UNKNOWN", passing=True) for _ in items]
        await asyncio.sleep(world.random.uniform(0.001, 0.3))
        await process.meet(fault)
        return answers

    def _arrive(
        self, verb: str, items: Sequence[Item], effect: Callable[..., Answer], fault: Fault
    ) -> Sequence[Answer]:
        world = self._world
        # Some of a batch are refused, and others are not.
        moody = [fault is Fault.REFUSED and world.random.random() < 0.7 for _ in items]
        answers = [effect(item, moody=mood) for item, mood in zip(items, moody, strict=True)]
        for item, mood in zip(items, moody, strict=True):
            if mood:
                world.note_mood(item)
        if fault is Fault.TWICE:
            answers = [effect(item, moody=False) for item in items]
            world.spawn(self._arrive_late(verb, [_snapshot(item) for item in items], effect))
        return answers

    async def _arrive_late(
        self, verb: str, items: Sequence[Any], effect: Callable[..., Answer]
    ) -> None:
        """
        Let the call, or a copy of it, arrive when nobody waits for its answer.
        """
        await asyncio.sleep(self._world.random.uniform(*_LATE_SECONDS))
        self._world.log(f"  {verb} arrives, very late")
        for item in items:
            effect(item, moody=False)


def _snapshot(item: Any) -> Any:
    return tuple(copy(part) for part in item) if isinstance(item, tuple) else copy(item)


class NetworkInventory:
    def __init__(self, world: "World") -> None:
        self._call, self._product = world.network.call, world.product

    async def reserve(self, orders: Sequence[Order]) -> Sequence[tuple[Allocation, ...] | Refused]:
        return await self._call("product.reserve", orders, self._product.reserve)

    async def confirm(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        return await self._call("product.confirm", orders, self._product.confirm)

    async def release(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        return await self._call("product.release", orders, self._product.release)

    async def reduce(
        self, kept: Sequence[tuple[Order, Sequence[Allocation]]]
    ) -> Sequence[Refused | None]:
        return await self._call("product.reduce", kept, self._product.reduce)

    async def consume(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        return await self._call("product.consume", shipments, self._product.consume)


class NetworkPayments:
    def __init__(self, world: "World") -> None:
        self._call, self._payment = world.network.call, world.payment

    async def authorize(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        return await self._call("payment.authorize", orders, self._payment.authorize)

    async def capture(
        self, shipments: Sequence[tuple[Order, Shipment]]
    ) -> Sequence[Refused | None]:
        return await self._call("payment.capture", shipments, self._payment.capture)

    async def void(self, orders: Sequence[Order]) -> Sequence[Refused | None]:
        return await self._call("payment.void", orders, self._payment.void)


class NetworkFulfillment:
    def __init__(self, world: "World") -> None:
        self._call, self._fulfillment = world.network.call, world.fulfillment

    async def change(self, changes: Sequence[FulfillmentChange]) -> Sequence[Refused | None]:
        return await self._call("fulfillment.change", changes, self._fulfillment.change)

    async def cancel(self, orders: Sequence[Order]) -> Sequence[Refused | Pending | None]:
        return await self._call("fulfillment.cancel", orders, self._fulfillment.cancel)
