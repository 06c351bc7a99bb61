"""
Measure how many orders a second go all the way, beside the limits of this machine.

Made-up orders of one line each are placed by PlaceOrder, each in a call of its own, or by
BatchPlaceOrders; as soon as they have ended the next ones are placed. Providers accept, dispatch
and deliver at once. The same run measures what bare servers do here, so that ratios can be quoted.
Ends with 0 only if all orders completed.
"""

import asyncio
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

from chassis.events.broker import connect_broker
from chassis.kernel.money import Money
from chassis.runner import tame_garbage_collector
from chassis.terminal import print_table
from deploy.local.calibration import WRITERS, Limits, echo_server, limits_of, mean_of
from deploy.local.cluster import Cluster, load, to_json
from deploy.local.progress import progress
from deploy.local.status import megabytes, memory_of, status_of
from deploy.local.world.catalogue import Delivery, NewProduct, offer_products, receive
from deploy.local.world.latency import Latency, latency_of
from deploy.local.world.outcomes import Followed, Outcomes, listening
from deploy.local.world.patience import Patience
from deploy.local.world.providers import Character, at_work, retire
from deploy.local.world.services import Services, services_of
from retail.common.v1.address_pb2 import Address
from retail.order.v1 import order_service_pb2 as pb

PRODUCTS = 100
PROVIDERS = 2
# Where nobody else delivers: the offers are for the providers of this bench.
COUNTRY = "VU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    Attributes:
        limits: What this machine does at most of some simpler things.
        memory_bytes: Of the whole cluster, servers and supervisor included.
    """

    orders: int
    completed: int
    in_flight: int
    batch: int
    seconds: float
    orders_per_second: float
    place: Latency
    place_to_confirmed: Latency
    place_to_completed: Latency
    repeated_calls: int
    memory_bytes: int
    limits: Limits | None = None


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--orders", type=int, default=4_000, metavar="N", help="default: 4000")
    parser.add_argument(
        "--in-flight",
        type=int,
        default=1_000,
        metavar="N",
        help="orders placed and not ended at any time (default: 1000)",
    )
    parser.add_argument(
        "--batch", type=int, default=1, metavar="N", help="orders a call (default: 1, PlaceOrder)"
    )
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    cluster = load(arguments.state)
    async with echo_server() as echo_at:
        measure_limits = partial(limits_of, cluster, echo_at=echo_at, in_flight=arguments.in_flight)
        before = await measure_limits()
        measured = await measure(
            cluster,
            orders=arguments.orders,
            in_flight=arguments.in_flight,
            batch=arguments.batch,
            quiet=arguments.json,
        )
        measured = replace(measured, limits=mean_of(before, await measure_limits()))
    if arguments.json:
        print(to_json(measured).decode(), end="")
    else:
        show(measured)
    return 0 if measured.completed == measured.orders else 1


async def measure(
    cluster: Cluster, *, orders: int, in_flight: int, batch: int = 1, quiet: bool = False
) -> Measured:
    """
    Place *orders* on *cluster*, *in_flight* at a time and *batch* a call, and see how long they
    take.
    """
    tame_garbage_collector()
    patience = Patience()
    broker = await connect_broker(cluster.nats_url, name="bench")
    try:
        async with services_of(cluster) as services:
            await bring_goods(orders, services, patience)
            rush = Rush(services, patience)
            characters = [
                Character(id=f"bench-{n}", name=f"Bench {n}", regions=(COUNTRY,))
                for n in range(PROVIDERS)
            ]
            async with (
                listening(rush.outcomes, broker),
                at_work(characters, services, patience) as providers,
            ):
                seconds = await rush.run(orders, in_flight, batch, quiet=quiet)
                await retire(providers)
    finally:
        await broker.close()
    followed = rush.outcomes.followed
    completed = sum(order.status == "COMPLETED" for order in followed)
    return Measured(
        orders=orders,
        completed=completed,
        in_flight=in_flight,
        batch=batch,
        seconds=round(seconds, 3),
        orders_per_second=round(completed / seconds, 1),
        place=latency_of(rush.placed_in),
        place_to_confirmed=latency_of([o.confirmed for o in followed if o.confirmed]),
        place_to_completed=latency_of([o.ended for o in followed if o.ended]),
        repeated_calls=patience.repeats.total(),
        memory_bytes=await memory_in_all(cluster),
    )


async def bring_goods(orders: int, services: Services, patience: Patience) -> None:
    await offer_products(
        [
            NewProduct(title=f"Bench product {n}", prices={sku(n): Money(1_000 + n, "GBP")})
            for n in range(PRODUCTS)
        ],
        services=services,
        patience=patience,
    )
    await receive(
        [
            Delivery(sku=sku(n), location_id="main", units=orders // PRODUCTS + 1)
            for n in range(PRODUCTS)
        ],
        occasion=f"bench {uuid4()}",
        services=services,
        patience=patience,
    )


def sku(number: int) -> str:
    return f"BENCH-{number:03}"


class Rush:
    """
    Orders that are placed one after another, many at a time.

    Attributes:
        placed_in: How many seconds each call took.
    """

    def __init__(self, services: Services, patience: Patience) -> None:
        self._services = services
        self._patience = patience
        self._ends: dict[str, asyncio.Event] = {}
        self.outcomes = Outcomes(services=services, patience=patience, told=self._end)
        self.placed_in: list[float] = []

    async def run(self, orders: int, in_flight: int, batch: int, *, quiet: bool) -> float:
        """
        Place *orders* and wait for their end; return how many seconds it took.
        """
        starts = iter(range(0, orders, batch))
        began = time.monotonic()

        async def lane() -> None:
            for start in starts:
                await self._place(range(start, min(start + batch, orders)))

        with progress("orders", orders, quiet=quiet) as tell:

            async def show_progress() -> None:
                while True:
                    await asyncio.sleep(0.2)
                    ended = self.outcomes.ended
                    tell(ended, f"{ended / (time.monotonic() - began):,.0f}/s")

            async with asyncio.TaskGroup() as tasks:
                showing = tasks.create_task(show_progress())
                async with asyncio.TaskGroup() as lanes:
                    for _ in range(max(min(in_flight, orders) // batch, 1)):
                        lanes.create_task(lane())
                showing.cancel()
            seconds = time.monotonic() - began
            tell(orders, f"{orders / seconds:,.0f}/s")
        return seconds

    async def _place(self, numbers: Sequence[int]) -> None:
        """
        Place these orders in one call, and wait for their ends.
        """
        requests = [a_request(number) for number in numbers]
        asked_at = time.monotonic()
        if len(requests) == 1:
            answer = await self._patience(self._services.order.PlaceOrder, requests[0])
            placed = [answer.order]
        else:
            many = pb.BatchPlaceOrdersRequest(requests=requests)
            results = (await self._patience(self._services.order.BatchPlaceOrders, many)).results
            placed = [result.order for result in results]
        self.placed_in.append(time.monotonic() - asked_at)
        for order in placed:
            self._ends[order.order_id] = asyncio.Event()
            self.outcomes.follow(order.order_id, order, asked_at=asked_at)
        for order in placed:
            # It may have ended, and be gone, before the one in front of it.
            if end := self._ends.get(order.order_id):
                await end.wait()

    def _end(self, order: Followed) -> None:
        self._ends.pop(order.order_id).set()


def a_request(number: int) -> pb.PlaceOrderRequest:
    return pb.PlaceOrderRequest(
        request_id=str(uuid4()),
        account_id="bench",
        channel=pb.CHANNEL_BUSINESS,
        lines=[pb.OrderLineRequest(sku=sku(number % PRODUCTS), quantity=1)],
        psp_token="tok_visa",
        ship_to=Address(name="Bench", country_code=COUNTRY),
    )


async def memory_in_all(cluster: Cluster) -> int:
    supervisor = memory_of(cluster.supervisor, with_children=False) if cluster.supervisor else 0
    return supervisor + sum(each.memory_bytes for each in await status_of(cluster))


def show(measured: Measured) -> None:
    rate, limits = measured.orders_per_second, measured.limits
    print()
    print_table(
        ("WHAT", "HOW MUCH"),
        [
            ("orders completed", f"{measured.completed:,} of {measured.orders:,}"),
            ("in flight", f"{measured.in_flight:,}"),
            ("orders a call", f"{measured.batch:,}"),
            ("orders a second", f"{rate:,}"),
            ("a call took", str(measured.place)),
            ("placed → confirmed", str(measured.place_to_confirmed)),
            ("placed → completed", str(measured.place_to_completed)),
            ("calls repeated", f"{measured.repeated_calls:,}"),
            ("memory of the cluster", megabytes(measured.memory_bytes)),
        ],
    )
    if limits is None:
        return
    print("\nWhat this machine does at most, measured right before and after:\n")
    print_table(
        ("LIMIT", "A SECOND", "PER ORDER A SECOND"),
        [
            ("bare gRPC echo", f"{limits.echo:,}", ratio(limits.echo, rate)),
            (f"inserts, {WRITERS} clients", f"{limits.inserts:,}", ratio(limits.inserts, rate)),
            (
                "JetStream publish, one by one",
                f"{limits.publishes:,}",
                ratio(limits.publishes, rate),
            ),
        ],
    )


def ratio(limit: float, rate: float) -> str:
    return f"{limit / rate:.1f}" if rate else "-"
