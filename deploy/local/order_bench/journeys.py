"""Orders that go all the way: as many as go at once, or at a given pace."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median

from deploy.local.order_bench.cost import Work, median_work, work_of
from deploy.local.order_bench.shop import Shop, a_request
from deploy.local.progress import Tell
from deploy.local.world.latency import Latency, latency_of
from deploy.local.world.outcomes import Followed, Outcomes, listening
from retail.order.v1 import order_service_pb2 as pb

BETWEEN_TELLS_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    How orders are placed.

    Attributes:
        in_flight: Orders placed and not ended at any time.
        batch: Orders a call; a single one is placed by PlaceOrder.
        pace: Orders a second, whatever becomes of earlier ones; 0: the next as one ends.
    """

    in_flight: int
    batch: int = 1
    pace: float = 0

    def __str__(self) -> str:
        way = "PlaceOrder" if self.batch == 1 else f"batches of {self.batch}"
        if self.pace:
            return f"{way}, {self.pace:,.0f} orders/s"
        return f"{way}, {self.in_flight:,} in flight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """
    Attributes:
        seconds: From the first order's start to the last one's end.
        call: How long a call to place took; of a paced one, since it was due.
        confirmed: From when an order was asked for (or due to be) until it was confirmed.
        repeated_calls: How often a call of the client had to be made again.
        work: For each order.
    """

    orders: int
    completed: int
    seconds: float
    per_second: float
    call: Latency
    confirmed: Latency
    completed_in: Latency
    repeated_calls: int
    work: Work


async def measure_journeys(shop: Shop, load: Load, orders: int, tell: Tell) -> Journeys:
    """
    Place *orders* under *load* and see how long they take and what they cost.
    """
    rush = Rush(shop, load)
    repeats = shop.patience.repeats.total()
    async with listening(rush.outcomes, shop.broker), _told(rush, tell):
        before = await work_of(shop.cluster)
        seconds = await rush.run(orders)
        work = (await work_of(shop.cluster)).per_order(before, orders)
    followed = rush.outcomes.followed
    completed = sum(order.status == "COMPLETED" for order in followed)
    return Journeys(
        orders=orders,
        completed=completed,
        seconds=round(seconds, 3),
        per_second=round(completed / seconds, 1),
        call=latency_of(rush.placed_in),
        confirmed=latency_of([o.confirmed for o in followed if o.confirmed]),
        completed_in=latency_of([o.ended for o in followed if o.ended]),
        repeated_calls=shop.patience.repeats.total() - repeats,
        work=work,
    )


def median_journeys(rounds: Sequence[Journeys]) -> Journeys:
    """
    Return the median of each figure; orders and repeated calls are those of all rounds.
    """
    return Journeys(
        orders=sum(each.orders for each in rounds),
        completed=sum(each.completed for each in rounds),
        seconds=round(median(each.seconds for each in rounds), 3),
        per_second=round(median(each.per_second for each in rounds), 1),
        call=_median_latency([each.call for each in rounds]),
        confirmed=_median_latency([each.confirmed for each in rounds]),
        completed_in=_median_latency([each.completed_in for each in rounds]),
        repeated_calls=sum(each.repeated_calls for each in rounds),
        work=median_work([each.work for each in rounds]),
    )


def _median_latency(rounds: Sequence[Latency]) -> Latency:
    return Latency(
        count=sum(each.count for each in rounds),
        p50=median(each.p50 for each in rounds),
        p95=median(each.p95 for each in rounds),
        p99=median(each.p99 for each in rounds),
        longest=max(each.longest for each in rounds),
    )


class Rush:
    """
    Orders that are placed one after another, many at a time.

    Attributes:
        placed_in: How many seconds each call took.
    """

    def __init__(self, shop: Shop, load: Load) -> None:
        self._services = shop.services
        self._patience = shop.patience
        self._load = load
        self._ends: dict[str, asyncio.Event] = {}
        self.outcomes = Outcomes(
            services=shop.services, patience=shop.patience, told=self._note_end
        )
        self.placed_in: list[float] = []

    async def run(self, orders: int) -> float:
        """
        Place *orders* and wait for their end; return how many seconds it took.
        """
        began = time.monotonic()
        await (self._run_paced(orders) if self._load.pace else self._run_lanes(orders))
        return time.monotonic() - began

    async def _run_lanes(self, orders: int) -> None:
        batch = self._load.batch
        starts = iter(range(0, orders, batch))

        async def lane() -> None:
            for start in starts:
                numbers = range(start, min(start + batch, orders))
                await self._place(numbers, asked_at=time.monotonic())

        async with asyncio.TaskGroup() as lanes:
            for _ in range(max(min(self._load.in_flight, orders) // batch, 1)):
                lanes.create_task(lane())

    async def _run_paced(self, orders: int) -> None:
        """
        Place each batch when it is due. Time is taken from then: who is late keeps others waiting.
        """
        batch, pace = self._load.batch, self._load.pace
        began = time.monotonic()
        async with asyncio.TaskGroup() as placing:
            for start in range(0, orders, batch):
                due_at = began + start / pace
                await asyncio.sleep(due_at - time.monotonic())
                numbers = range(start, min(start + batch, orders))
                placing.create_task(self._place(numbers, asked_at=due_at))

    async def _place(self, numbers: Sequence[int], *, asked_at: float) -> None:
        """
        Place these orders in one call, and wait for their ends.
        """
        placed = await self._placed([a_request(number) for number in numbers])
        self.placed_in.append(time.monotonic() - asked_at)
        for order in placed:
            self._ends[order.order_id] = asyncio.Event()
            self.outcomes.follow(order.order_id, order, asked_at=asked_at)
        for order in placed:
            # It may have ended, and be gone, before the one in front of it.
            if end := self._ends.get(order.order_id):
                await end.wait()

    async def _placed(self, requests: Sequence[pb.PlaceOrderRequest]) -> Sequence[pb.Order]:
        if self._load.batch == 1:
            (request,) = requests
            return [(await self._patience(self._services.order.PlaceOrder, request)).order]
        many = pb.BatchPlaceOrdersRequest(requests=requests)
        answer = await self._patience(self._services.order.BatchPlaceOrders, many)
        return [result.order for result in answer.results]

    def _note_end(self, order: Followed) -> None:
        self._ends.pop(order.order_id).set()


@asynccontextmanager
async def _told(rush: Rush, tell: Tell) -> AsyncGenerator[None]:
    """
    Tell how far *rush* is, now and then.
    """

    async def keep_telling() -> None:
        began = time.monotonic()
        while True:
            await asyncio.sleep(BETWEEN_TELLS_SECONDS)
            ended = rush.outcomes.ended
            tell(ended, f"{ended / (time.monotonic() - began):,.0f} orders/s")

    async with asyncio.TaskGroup() as tasks:
        telling = tasks.create_task(keep_telling())
        try:
            yield
        finally:
            telling.cancel()
