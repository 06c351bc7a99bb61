"""One schedule: orders, what others make of them, and all that goes wrong; decided by its seed."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from chassis.kernel.errors import Conflict
from chassis.kernel.money import Money
from chassis.kernel.quantity import Quantity
from chassis.kernel.text import Sku
from chassis.saga.runner import SagaRunner
from chassis.saga.steps import Step
from services.order.application.order_saga import FIRST_STEP, OrderSaga
from services.order.application.participants import FulfillmentChange
from services.order.domain.events import OrderConfirmed
from services.order.domain.order import Order
from services.order.domain.values import AccountId, Address, Channel, OrderId, OrderLine
from tests.simulation.actions import ACTIONS, CHANGE, Action
from tests.simulation.checks import MOST_RUNS
from tests.simulation.faults import Chance, Fault, StepRun
from tests.simulation.fulfillment import Fulfillment, Ways
from tests.simulation.memory import Memory, MemoryTransaction
from tests.simulation.network import (
    Network,
    NetworkFulfillment,
    NetworkInventory,
    NetworkPayments,
)
from tests.simulation.peers import Payment, Product
from tests.simulation.process import Process

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# By then every deadline of every order has passed.
END_SECONDS = 45 * 86_400.0
LOOK_SECONDS = 86_400.0
FAULT_CHANCE = 0.4


@dataclass(frozen=True, slots=True)
class Outage:
    """
    A time during which one of the others is away.
    """

    who: str
    from_: float
    to: float


@dataclass(slots=True)
class World:
    """
    Attributes:
        runs: Every run of a step.
        moods: The orders of which something was refused that was theirs by right.
        acted: What people did about which order.
    """

    seed: int
    loop: asyncio.AbstractEventLoop
    random: Random = field(init=False)
    chance: Chance = field(init=False)
    memory: Memory = field(default_factory=Memory)
    product: Product = field(init=False)
    payment: Payment = field(default_factory=Payment)
    fulfillment: Fulfillment = field(init=False)
    network: Network = field(init=False)
    outages: list[Outage] = field(default_factory=list)
    runs: list[StepRun] = field(default_factory=list)
    moods: set[OrderId] = field(default_factory=set)
    acted: dict[OrderId, list[str]] = field(default_factory=dict)
    placed: dict[OrderId, str] = field(default_factory=dict)
    journal: list[tuple[float, str]] = field(default_factory=list)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.product = Product(self.clock)
        self.fulfillment = Fulfillment(self)
        self.network = Network(self)
        self.memory.told = self._tell
        table = [(step.name, fault) for step in self.steps() for fault in Fault]
        self.chance = Chance(
            left=self.random.choice((0, 1, 2, 4, 8)), sure=table[self.seed % len(table)]
        )

    # What the rest of the world is to a step. A planted mistake overrides one of these.

    def saga(self) -> OrderSaga:
        return OrderSaga(
            inventory=NetworkInventory(self),
            payments=NetworkPayments(self),
            fulfillment=NetworkFulfillment(self),
            clock=self.clock,
        )

    def steps(self) -> Sequence[Step[Order]]:
        return self.saga().steps()

    def make_runner(self, process: Process) -> SagaRunner[Order]:
        return process.runner(self.steps())

    def transaction(self) -> MemoryTransaction:
        return MemoryTransaction(self.memory)

    @asynccontextmanager
    async def uow(self) -> AsyncGenerator[MemoryTransaction]:
        tx = self.transaction()
        yield tx
        tx.commit()

    async def live(self) -> None:
        """
        Let the schedule happen, to its end.
        """
        chance = self.random
        if chance.random() < 0.3:
            self._plan_outage()
        for name in ("order-1", "order-2")[: chance.choice((1, 2, 2))]:
            Process(self, name).start()
        # At once they run as a batch.
        latest = chance.choice((0.0, 120.0, 120.0))
        for number in range(1, chance.choice((1, 2, 3, 3, 6)) + 1):
            self.spawn(self._customer(number, latest))
        while self.loop.time() < END_SECONDS and len(self.runs) < MOST_RUNS:
            await asyncio.sleep(LOOK_SECONDS)

    def _plan_outage(self) -> None:
        begin = self.random.uniform(0, 120)
        who = self.random.choice(("product", "payment", "fulfillment"))
        self.outages.append(Outage(who, begin, begin + self.random.uniform(5, 300)))
        self.log(f"{who} is away from {begin:.0f} s to {self.outages[-1].to:.0f} s")

    async def _customer(self, number: int, latest: float) -> None:
        chance = self.random
        await asyncio.sleep(chance.uniform(0, latest))
        order_id = await self.place(number, chance.choice(list(Ways)))
        for action in self._wishes():
            await asyncio.sleep(action.when(chance))
            await action.act(self, order_id)

    def _wishes(self) -> Sequence[Action]:
        wishes = self.random.choices(ACTIONS, k=self.random.choice((0, 0, 1, 1, 2, 3)))
        # Where the fault that is to come can come only so.
        is_to_change = self.chance.sure and self.chance.sure[0] == "change_fulfillment"
        return [CHANGE, *wishes] if is_to_change else wishes

    async def place(self, number: int, ways: Ways) -> OrderId:
        """
        Place the order of this *number*, of which providers make what *ways* says.
        """
        chance = self.random
        order = an_order(
            number,
            units=chance.choice((1, 2, 3, 4)),
            now=self.clock(),
            # Now and then much: a parcel may cost nothing, or a change leave nothing to pay.
            discount=chance.choice((0, 1_01, 1_01, 14_98)),
            lines=chance.choice((1, 2, 3, 4)),
        )
        self.fulfillment.ways[order.id] = ways
        self.placed[order.id] = f"order {number}"
        self.log(f"order {number} placed; providers: {ways}")
        async with self.uow() as tx:
            await tx.orders.save([order])
            await tx.sagas.start(FIRST_STEP, {order.id: ""}, now=self.clock())
        return order.id

    def draw(self, step: str) -> StepRun:
        """
        Return a run of *step*, and what goes wrong with it.
        """
        fault = Fault.OK
        if self.chance.sure and self.chance.sure[0] == step:
            fault = self.chance.sure[1]
        elif self.chance.left and self.random.random() < FAULT_CHANCE:
            self.chance.left -= 1
            fault = self.random.choice(list(Fault))
        at_call = self.random.choice((0, 0, 1))
        run = StepRun(step, fault, at_call, began_at=self.loop.time())
        self.runs.append(run)
        return run

    def is_away(self, verb: str) -> bool:
        now = self.loop.time()
        return any(verb.startswith(o.who) and o.from_ <= now < o.to for o in self.outages)

    def note_mood(self, item: Any) -> None:
        if isinstance(item, FulfillmentChange):
            return  # a parcel has left: a fair answer
        order = item[0] if isinstance(item, tuple) else item
        self.moods.add(order.id)

    def clock(self) -> datetime:
        return BEGIN + timedelta(seconds=self.loop.time())

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self._tasks.discard(task)

    @property
    def failures(self) -> Sequence[BaseException]:
        """
        What went wrong in the bench itself, or in a handler.
        """
        over = [task for task in self._tasks if task.done() and not task.cancelled()]
        return [error for task in over if (error := task.exception())]

    async def note(self, note: Callable[..., Any], command: Any) -> None:
        """
        Let the orders hear what *command* says, again for as long as they change meanwhile.
        """
        while True:
            tx = self.transaction()
            await note([command], tx=tx, clock=self.clock)
            try:
                tx.commit()
            except Conflict:
                await asyncio.sleep(0.1)
            else:
                return

    async def until_due(self, *, latest: float) -> None:
        """
        Sleep until something may be due, and up to *latest* seconds longer.
        """
        due = min((row.due_at for row in self.memory.sagas.values()), default=None)
        pause = (due - self.clock()).total_seconds() if due else END_SECONDS
        changed = self._changed
        timer = self.loop.call_later(max(pause, 0.0) + 0.001, changed.set)
        try:
            await changed.wait()
        finally:
            timer.cancel()
        await asyncio.sleep(latest)

    def _tell(self, events: Sequence[Any]) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for event in events:
            if isinstance(event, OrderConfirmed):
                self.spawn(self._carry(event))

    async def _carry(self, event: OrderConfirmed) -> None:
        for _ in range(self.random.choice((1, 1, 2))):
            await asyncio.sleep(self.random.expovariate(1 / 5.0))
            await self.fulfillment.hear(event)

    def log(self, what: str, fault: Fault = Fault.OK) -> None:
        met = "" if fault is Fault.OK else f"; fault: {fault}"
        self.journal.append((self.loop.time(), f"{what}{met}"))

    def name(self, order_id: OrderId) -> str:
        return self.placed.get(order_id, str(order_id))

    def names(self, orders: Sequence[Order]) -> str:
        return ", ".join(self.name(order.id) for order in orders)


# The lamp stands on two lines, at different prices; a gift costs nothing.
_WARES = (("LAMP", 9_99), ("CHAIR", 45_01), ("LAMP", 3_33), ("GIFT", 0))


def an_order(
    number: int, *, units: int, now: datetime, discount: int = 1_01, lines: int = 1
) -> Order:
    return Order.place(
        OrderId(UUID(int=number)),
        account_id=AccountId("shop-1"),
        channel=Channel.BUSINESS,
        lines=tuple(
            OrderLine(
                sku=Sku(sku), title=sku, quantity=Quantity(units), unit_price=Money(price, "EUR")
            )
            for sku, price in _WARES[:lines]
        ),
        shipping=Money(5_00, "EUR"),
        discount=Money(discount, "EUR"),
        ship_to=Address(name="Ada", lines=(), city="", postal_code="", country_code="GB"),
        psp_token="tok_visa",
        reference="",
        now=now,
    )
