"""
Measure orders from placed to completed, beside what bare servers do.

It runs clusters of its own, which leave nothing behind. Made-up orders of one line each are placed
by PlaceOrder or by BatchPlaceOrders; providers accept, dispatch and deliver at once. Measured are:
journeys per second and how long they take (`journeys`); the same at half the rate they reach, paced
whatever becomes of earlier orders (`half`); how many orders a second are accepted durably, with
nothing done about them, beside a bare gRPC handler and beside pgbench writing the same rows
(`accept`); and what an order costs when a million are kept (`kept`). Rounds are measured in turns,
medians count. Ends with 0 only if all orders completed.
"""

import asyncio
import os
import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from chassis.runner import tame_garbage_collector
from deploy.local.arguments import at_least
from deploy.local.calibration import echo_server, limits_of, mean_of
from deploy.local.cluster import Cluster, load, to_json
from deploy.local.order_bench.accept import LOADS as ACCEPTING
from deploy.local.order_bench.accept import measure_accepting
from deploy.local.order_bench.journeys import Journeys, Load, measure_journeys, median_journeys
from deploy.local.order_bench.kept import measure_kept
from deploy.local.order_bench.report import Measured, show
from deploy.local.order_bench.shop import Shop, open_shop, own_cluster
from deploy.local.progress import Tell, progress
from deploy.local.status import memory_of, status_of

PARTS = ("journeys", "half", "accept", "kept")

SINGLE = Load(in_flight=256)
MANY = Load(in_flight=1_000, batch=100)
LOADS = (Load(in_flight=1), Load(in_flight=32), SINGLE, MANY)

# A load with few orders in flight is slow: it is given fewer orders.
ORDERS_FOR_EACH_IN_FLIGHT = 100
WARM_ORDERS = 300
HALF_SECONDS = 10


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part of it; may be said again"
    )
    parser.add_argument(
        "--orders", type=at_least(1), default=4_000, metavar="N", help="a round (default: 4,000)"
    )
    parser.add_argument(
        "--in-flight",
        type=at_least(1),
        metavar="N",
        help="this load alone: orders placed and not ended at any time (default: 1,000)",
    )
    parser.add_argument(
        "--batch", type=at_least(1), metavar="N", help="this load alone: orders a call (default: 1)"
    )
    parser.add_argument(
        "--rounds", type=at_least(1), default=3, metavar="N", help="of each (default: 3)"
    )
    parser.add_argument(
        "--seconds", type=at_least(1), default=4, help="of each round of accepting (default: 4)"
    )
    parser.add_argument(
        "--kept",
        type=at_least(100),
        default=1_000_000,
        metavar="N",
        help="orders kept, beside a hundredth of them (default: 1,000,000)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    # Whoever ends it means the clusters, too, which live by themselves.
    interrupt = partial(os.kill, os.getpid(), signal.SIGINT)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, interrupt)
    measured = Measured(cpus=os.cpu_count() or 1, rounds=arguments.rounds)
    parts = arguments.only or PARTS
    tame_garbage_collector()
    if "journeys" in parts or "half" in parts:
        await measure_loads(measured, arguments, parts)
        keep(measured, arguments)
    if "accept" in parts:
        async with own_cluster(roles="api") as cluster:
            for accepting in ACCEPTING:
                with progress("accepting", arguments.rounds, quiet=arguments.json) as tell:
                    measured.accepted[str(accepting)] = await measure_accepting(
                        cluster,
                        accepting,
                        rounds=arguments.rounds,
                        seconds=arguments.seconds,
                        tell=tell,
                    )
        keep(measured, arguments)
    if "kept" in parts:
        with progress("with orders kept", arguments.orders, quiet=arguments.json) as tell:
            measured.kept = await measure_kept(
                arguments.kept, MANY, orders=arguments.orders, rounds=arguments.rounds, tell=tell
            )
        keep(measured, arguments)
    if arguments.json:
        print(to_json(measured).decode(), end="")
    else:
        show(measured)
    return 0 if measured.all_completed else 1


def keep(measured: Measured, arguments: Namespace) -> None:
    """
    Write down what there is so far: the rest may be interrupted.
    """
    if arguments.out:
        arguments.out.write_bytes(to_json(measured))


async def measure_loads(measured: Measured, arguments: Namespace, parts: Sequence[str]) -> None:
    """
    Measure journeys, in turns for all loads, and then what they take at half their rates.
    """
    loads = loads_of(arguments)
    # Its process is forked before anything here uses gRPC.
    async with echo_server() as echo_at, own_cluster() as cluster, open_shop(cluster) as shop:
        before = await limits_of(cluster, echo_at=echo_at, in_flight=SINGLE.in_flight)
        await measure_journeys(shop, MANY, WARM_ORDERS, lambda _done, _more: None)
        reached = await in_turns(shop, loads, arguments)
        after = await limits_of(cluster, echo_at=echo_at, in_flight=SINGLE.in_flight)
        measured.limits = mean_of(before, after)
        if "journeys" in parts:
            measured.journeys = {str(each): journeys for each, journeys in reached.items()}
        if "half" in parts:
            paced = [
                replace(each, pace=round(reached[each].per_second / 2, 1))
                for each in (SINGLE, MANY)
                if each in reached
            ] or [replace(loads[0], pace=round(reached[loads[0]].per_second / 2, 1))]
            half = await in_turns(shop, paced, arguments)
            measured.half = {str(each): journeys for each, journeys in half.items()}
        measured.memory_bytes = await memory_in_all(cluster)


def loads_of(arguments: Namespace) -> Sequence[Load]:
    if arguments.in_flight is None and arguments.batch is None:
        return LOADS
    return [Load(in_flight=arguments.in_flight or 1_000, batch=arguments.batch or 1)]


async def in_turns(shop: Shop, loads: Sequence[Load], arguments: Namespace) -> dict[Load, Journeys]:
    """
    Measure each of *loads* as often as there are rounds, in turns; return the medians.
    """
    results: dict[Load, list[Journeys]] = {each: [] for each in loads}
    counts = {each: orders_of(each, arguments.orders) for each in loads}
    total, done = sum(counts.values()) * arguments.rounds, 0
    with progress("orders", total, quiet=arguments.json) as tell:
        for _ in range(arguments.rounds):
            for each, count in counts.items():
                told = telling_of(tell, done, str(each))
                results[each].append(await measure_journeys(shop, each, count, told))
                done += count
        tell(total, "")
    return {each: median_journeys(rounds) for each, rounds in results.items()}


def orders_of(load: Load, orders: int) -> int:
    """
    Return how many of *orders* to place under *load* in a round, so that it does not take long.
    """
    if load.pace:
        return max(min(orders, round(load.pace * HALF_SECONDS)), load.batch)
    return max(min(orders, load.in_flight * ORDERS_FOR_EACH_IN_FLIGHT), 1)


def telling_of(tell: Tell, before: int, what: str) -> Tell:
    return lambda done, more: tell(before + done, f"{more}: {what}")


async def memory_in_all(cluster: Cluster) -> int:
    # Its record says by now who runs.
    cluster = load(cluster.state)
    supervisor = memory_of(cluster.supervisor, with_children=False) if cluster.supervisor else 0
    return supervisor + sum(each.memory_bytes for each in await status_of(cluster))
