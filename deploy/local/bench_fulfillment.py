"""
Measure what providers and returns ask of fulfillment, beside what bare servers do.

It runs servers of its own, which leave nothing behind. Measured are: offers accepted, parcels
dispatched and delivered, returns requested, received and closed a second, in batches and singly,
and what each costs, beside a bare gRPC handler and pgbench writing the rows that are left in the
end (`stages`); the same with a thousand finished pieces of work and returns in the tables and with
200,000 (`history`); and returns that the whole suite settles: restocked, refunded and closed
(`settled`). All in turns with what they are compared with; medians count.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.cluster import to_json
from deploy.local.fulfillment_bench.history import measure_history
from deploy.local.fulfillment_bench.lives import LOADS, Done, Lives, measure_lives
from deploy.local.fulfillment_bench.settling import Settled, measure_settling
from deploy.local.order_bench.shop import own_cluster
from deploy.local.progress import progress

PARTS = ("stages", "history", "settled")


@dataclass(kw_only=True)
class Measured:
    """
    What was measured; a part that was left out is empty.
    """

    stages: dict[str, Lives] = field(default_factory=dict[str, Lives])
    history: Mapping[str, Mapping[str, Done]] = field(default_factory=dict[str, Mapping[str, Done]])
    settled: Settled | None = None


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part of it; may be said again"
    )
    parser.add_argument(
        "--pieces",
        type=at_least(100),
        default=2_000,
        metavar="N",
        help="of work, or returns, a round (default: 2,000)",
    )
    parser.add_argument(
        "--kept",
        type=at_least(200),
        default=200_000,
        metavar="N",
        help="finished ones in the tables, beside a two-hundredth of them (default: 200,000)",
    )
    parser.add_argument(
        "--rounds", type=at_least(1), default=5, metavar="N", help="of each (default: 5)"
    )
    parser.add_argument(
        "--seconds", type=at_least(1), default=4, help="of each round of pgbench (default: 4)"
    )
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    parts = arguments.only or PARTS
    measured = Measured()
    if "stages" in parts:
        await measure_stages(measured, arguments)
    rounds = arguments.rounds
    if "history" in parts:
        with progress("work and returns", rounds, quiet=arguments.json) as tell:
            measured.history = await measure_history(
                arguments.kept, LOADS[0], pieces=arguments.pieces, rounds=rounds, tell=tell
            )
    if "settled" in parts:
        with progress("returns settled", rounds, quiet=arguments.json) as tell:
            measured.settled = await measure_settling(arguments.pieces, rounds=rounds, tell=tell)
    if arguments.json:
        print(to_json(measured).decode(), end="")
    else:
        show(measured)
    return 0


async def measure_stages(measured: Measured, arguments: Namespace) -> None:
    # Nothing follows: the services answer calls and do no other work.
    async with own_cluster(roles="api") as cluster:
        for load in LOADS:
            with progress("work and returns", arguments.rounds, quiet=arguments.json) as tell:
                measured.stages[str(load)] = await measure_lives(
                    cluster,
                    load,
                    pieces=arguments.pieces,
                    rounds=arguments.rounds,
                    seconds=arguments.seconds,
                    tell=tell,
                )


def show(measured: Measured) -> None:
    if measured.stages:
        show_stages(measured.stages)
    if measured.history:
        show_history(measured.history)
    if measured.settled:
        show_settled(measured.settled)


def show_stages(lives: Mapping[str, Lives]) -> None:
    print_table(
        ("A SECOND", "OFFERED → DELIVERED", "ROWS ALONE", "REQUESTED → CLOSED", "ROWS ALONE"),
        [
            (
                name,
                f"{each.whole:,.0f} ({each.whole / each.work_rows:.2f})",
                f"{each.work_rows:,.0f}",
                f"{each.returned:,.0f} ({each.returned / each.return_rows:.2f})",
                f"{each.return_rows:,.0f}",
            )
            for name, each in lives.items()
        ],
    )
    print()
    print_table(
        ("EACH STAGE", "A SECOND", "BARE CALLS", "SERVICE CPU", "STATEMENTS"),
        [
            (
                f"{stage}, {name}",
                f"{done.per_second:,.0f}",
                f"{each.echo:,.0f}",
                *costs(done),
            )
            for name, each in lives.items()
            for stage, done in each.stages.items()
        ],
    )
    print()


def show_history(history: Mapping[str, Mapping[str, Done]]) -> None:
    (few, with_few), (many, with_many) = history.items()
    print_table(
        ("WITH SO MUCH KEPT", few, many, "RATIO", "CPU", "CPU", "STATEMENTS", "STATEMENTS"),
        [
            (
                stage,
                f"{less.per_second:,.0f}/s",
                f"{more.per_second:,.0f}/s",
                f"{more.per_second / less.per_second:.2f}",
                *(cost for both in zip(costs(less), costs(more), strict=True) for cost in both),
            )
            for (stage, less), more in zip(with_few.items(), with_many.values(), strict=True)
        ],
    )
    print()


def show_settled(settled: Settled) -> None:
    work = settled.work
    cpu = ", ".join(f"{name} {ms:.2f}" for name, ms in work.cpu_ms.items())
    statements = ", ".join(f"{name} {count:.2f}" for name, count in work.statements.items())
    print_table(
        ("RETURNS OF THE WHOLE SUITE", ""),
        [
            ("closed", f"{settled.closed:,} of {settled.returns:,}"),
            ("a second", f"{settled.per_second:,.1f}"),
            ("requested → closed, all asked for at once", str(settled.closed_in)),
            ("CPU milliseconds each", cpu),
            ("statements each", statements),
        ],
    )


def costs(done: Done) -> tuple[str, str]:
    return (
        f"{done.work.cpu_ms.get('fulfillment', 0):.2f} ms",
        f"{done.work.statements.get('fulfillment', 0):.2f}",
    )
