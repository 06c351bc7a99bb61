"""
Measure payments and their books beside what bare servers do.

It runs servers of its own, which leave nothing behind. Measured are: authorizations and captures a
second through the service, and what each costs, beside a bare gRPC handler, the simulated PSP
alone and pgbench writing the same rows (`payments`); how long the trial balance and a page of a
statement take with a thousand entries in the books and with a million, now and as of a time in the
middle (`reading`); and captures booked a second beside pgbench writing the same rows into tables
that check nothing (`booking`). All in turns with what they are compared with; medians count.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field

from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.cluster import to_json
from deploy.local.order_bench.shop import own_cluster
from deploy.local.payment_bench import asking, books
from deploy.local.payment_bench.asking import Asked, measure_asking
from deploy.local.payment_bench.books import Booked, Read, measure_booking, measure_reading
from deploy.local.progress import progress

PARTS = ("payments", "reading", "booking")


@dataclass(kw_only=True)
class Measured:
    """
    What was measured; a part that was left out is empty.
    """

    payments: dict[str, Asked] = field(default_factory=dict[str, Asked])
    reading: Mapping[str, Read] = field(default_factory=dict[str, Read])
    booking: Mapping[str, Booked] = field(default_factory=dict[str, Booked])


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="a part of it; may be said again"
    )
    parser.add_argument(
        "--payments",
        type=at_least(100),
        default=2_000,
        metavar="N",
        help="a round (default: 2,000)",
    )
    parser.add_argument(
        "--entries",
        type=at_least(1_000),
        default=1_000_000,
        metavar="N",
        help="in the books, beside a thousandth of them (default: 1,000,000)",
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
    if "payments" in parts:
        await measure_payments(measured, arguments)
    if "reading" in parts:
        with progress("reading the books", arguments.rounds, quiet=arguments.json) as tell:
            measured.reading = await measure_reading(
                arguments.entries, rounds=arguments.rounds, tell=tell
            )
    if "booking" in parts:
        with progress("booking", len(books.LOADS), quiet=arguments.json) as tell:
            measured.booking = await measure_booking(
                rounds=arguments.rounds, seconds=arguments.seconds, loads=books.LOADS, tell=tell
            )
    if arguments.json:
        print(to_json(measured).decode(), end="")
    else:
        show(measured)
    return 0


async def measure_payments(measured: Measured, arguments: Namespace) -> None:
    # Nothing follows: the services answer calls and do no other work.
    async with own_cluster(roles="api") as cluster:
        for load in asking.LOADS:
            with progress("payments", arguments.rounds, quiet=arguments.json) as tell:
                measured.payments[str(load)] = await measure_asking(
                    cluster,
                    load,
                    payments=arguments.payments,
                    rounds=arguments.rounds,
                    seconds=arguments.seconds,
                    tell=tell,
                )


def show(measured: Measured) -> None:
    if measured.payments:
        show_payments(measured.payments)
    if measured.reading:
        print_table(
            ("READING THE BOOKS", "FEW ENTRIES", "MANY", "RATIO"),
            [
                (name, f"{each.few:.2f} ms", f"{each.many:.2f} ms", f"{each.ratio:.2f}")
                for name, each in measured.reading.items()
            ],
        )
        print()
    if measured.booking:
        print_table(
            ("BOOKING", "A SECOND", "ROWS ALONE", "RATIO"),
            [
                (name, f"{each.ours:,.0f}", f"{each.rows:,.0f}", f"{each.ratio:.2f}")
                for name, each in measured.booking.items()
            ],
        )


def show_payments(payments: Mapping[str, Asked]) -> None:
    print_table(
        ("PAYMENTS", "AUTHORIZED A SECOND", "PSP ALONE", "RATIO", "ROWS ALONE", "BARE CALLS"),
        [
            (
                name,
                f"{each.authorized.per_second:,.0f}",
                f"{each.psp:,.0f}",
                f"{each.authorized.per_second / each.psp:.2f}",
                f"{each.rows:,.0f}",
                f"{each.echo:,.0f}",
            )
            for name, each in payments.items()
        ],
    )
    print()
    print_table(
        ("EACH OF THEM", "A SECOND", "SERVICE CPU", "PSP CPU", "STATEMENTS", "ASKED AGAIN"),
        [
            (
                f"{verb}, {name}",
                f"{done.per_second:,.0f}",
                f"{done.work.cpu_ms.get('payment', 0):.2f} ms",
                f"{done.work.cpu_ms.get('psp', 0):.2f} ms",
                f"{done.work.statements.get('payment', 0):.2f}",
                f"{done.again:,}",
            )
            for name, each in payments.items()
            for verb, done in (("authorized", each.authorized), ("captured", each.captured))
        ],
    )
    print()
