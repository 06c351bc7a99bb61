"""
Measure the product service beside what its servers do alone.

It runs PostgreSQL, NATS and Valkey of its own with durable settings. GetProduct from the cache is
measured beside a bare gRPC handler that answers with the same bytes, and from the database beside
the bare SELECT; reservations beside the same rows written straight to PostgreSQL and beside bare
calls, where the ratio is to the lower limit; searches on a large catalogue by how long they take.
Each is measured in turns with its limit; medians count.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc

from chassis.storage.database import connect
from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.cluster import to_json
from deploy.local.product_bench.catalogue import catalogue, write_catalogue
from deploy.local.product_bench.reads import Reads, measure_reads
from deploy.local.product_bench.reservations import Beside, Load, reservations_beside_raw
from deploy.local.product_bench.search import Searches, measure_searches
from deploy.local.product_bench.world import World, replicas, world
from deploy.local.progress import Tell, progress

PARTS = ("reads", "reservations", "search")

VARIANTS_EACH = 4

# What is asked for, by how many replicas.
LOADS: Mapping[str, tuple[Load, int]] = {
    "one SKU, batches of 100": (Load(skus=1, batch=100, in_flight=8), 1),
    "one SKU, batches of 100, 2 replicas": (Load(skus=1, batch=100, in_flight=8), 2),
    "one SKU, single calls": (Load(skus=1, batch=1, in_flight=256), 1),
    "one SKU, single calls, 2 replicas": (Load(skus=1, batch=1, in_flight=256), 2),
    "1,000 SKUs, batches of 100": (Load(skus=1_000, batch=100, in_flight=8), 1),
}


@dataclass(kw_only=True)
class Measured:
    """
    What was measured; a part that was left out is empty.
    """

    reads: Reads | None = None
    reservations: dict[str, Beside] = field(default_factory=dict[str, Beside])
    searches: Mapping[str, Searches] = field(default_factory=dict[str, Searches])


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part of it; may be said again"
    )
    parser.add_argument(
        "--seconds", type=at_least(1), default=4, help="of each measurement (default: 4)"
    )
    parser.add_argument(
        "--rounds", type=at_least(1), default=5, help="of each measurement (default: 5)"
    )
    parser.add_argument(
        "--variants",
        type=at_least(1_000),
        default=100_000,
        help="to search among (default: 100,000)",
    )
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    parts = arguments.only or PARTS
    measured = Measured()
    steps = len(LOADS) * ("reservations" in parts) + len({"reads", "search"} & set(parts))
    with progress("measurements", steps, quiet=arguments.json) as tell:
        if "reads" in parts:
            tell(0, "reads")
            async with world() as servers:
                measured.reads = await measure_reads(
                    servers, seconds=arguments.seconds, rounds=arguments.rounds
                )
        if "reservations" in parts:
            async with world() as servers:
                await measure_reservations(servers, measured, arguments, tell)
        if "search" in parts:
            tell(steps - 1, f"search among {arguments.variants:,} variants")
            async with world() as servers:
                measured.searches = await measure_search(servers, arguments)
        tell(steps, "")
    if arguments.json:
        print(to_json(measured).decode(), end="")
    else:
        show(measured)
    return 0


async def measure_reservations(
    servers: World, measured: Measured, arguments: Namespace, tell: Tell
) -> None:
    done = 1 if measured.reads else 0
    for name, (load, replica_count) in LOADS.items():
        tell(done + len(measured.reservations), f"reservations: {name}")
        measured.reservations[name] = await reservations_beside_raw(
            servers,
            load,
            replica_count=replica_count,
            rounds=arguments.rounds,
            seconds=arguments.seconds,
        )


async def measure_search(servers: World, arguments: Namespace) -> Mapping[str, Searches]:
    made = catalogue(products=arguments.variants // VARIANTS_EACH, variants_each=VARIANTS_EACH)
    database = connect(servers.database.app, application="bench")
    try:
        await write_catalogue(database, made)
    finally:
        await database.close()
    await servers.tidy()
    async with (
        replicas(servers, 1, roles="api") as (replica,),
        grpc.aio.insecure_channel(replica.address) as channel,
    ):
        await measure_searches(channel, made, rounds=2, seed=0)
        return await measure_searches(channel, made, rounds=20 * arguments.rounds)


def show(measured: Measured) -> None:
    if reads := measured.reads:
        print_table(
            ("GETPRODUCT", "CALLS A SECOND", "THE LIMIT", "RATIO", "BY CPU", "STATEMENTS A CALL"),
            [
                (
                    what,
                    f"{each.ours:,.0f}",
                    f"{each.limit:,.0f}",
                    f"{each.ratio:.2f}",
                    f"{each.cpu_ratio:.2f}" if each.cpu_ratio else "-",
                    f"{each.statements:.2f}",
                )
                for what, each in (
                    ("cached, beside a bare handler of the same bytes", reads.cached),
                    ("uncached, beside the bare SELECT", reads.uncached),
                )
            ],
        )
        print()
    if measured.reservations:
        print_table(
            ("RESERVATIONS", "A SECOND", "ROWS ALONE", "BARE CALLS", "RATIO", "P50", "P99"),
            [
                (
                    name,
                    f"{each.ours.per_second:,.0f}",
                    f"{each.rows:,.0f}",
                    f"{each.calls:,.0f}",
                    f"{each.ours.per_second / each.limit_of(LOADS[name][0]):.2f}",
                    f"{each.ours.p50:.1f} ms",
                    f"{each.ours.p99:.1f} ms",
                )
                for name, each in measured.reservations.items()
            ],
        )
        print()
    if measured.searches:
        print_table(
            ("SEARCH", "HOW MANY", "P50", "P99"),
            [
                (kind, f"{each.count:,}", f"{each.p50:.1f} ms", f"{each.p99:.1f} ms")
                for kind, each in measured.searches.items()
            ],
        )
