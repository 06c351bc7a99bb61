"""What the bench of orders has measured, as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chassis.terminal import print_table
from deploy.local.calibration import WRITERS, Limits
from deploy.local.order_bench.accept import Accepted
from deploy.local.order_bench.cost import BENCH
from deploy.local.order_bench.journeys import Journeys
from deploy.local.world.latency import Latency, short


@dataclass(kw_only=True)
class Measured:
    """
    What was measured; a part that was left out is empty.

    Attributes:
        cpus: Of this machine.
        journeys: By the load.
        half: The same loads at half the rate that they reached, whatever becomes of earlier ones.
        kept: By how many orders are in the tables.
        limits: What bare servers do, right before and after the journeys.
    """

    cpus: int
    rounds: int
    journeys: dict[str, Journeys] = field(default_factory=dict[str, Journeys])
    half: dict[str, Journeys] = field(default_factory=dict[str, Journeys])
    accepted: dict[str, Accepted] = field(default_factory=dict[str, Accepted])
    kept: Mapping[str, Journeys] = field(default_factory=dict[str, Journeys])
    limits: Limits | None = None
    memory_bytes: int = 0

    @property
    def all_completed(self) -> bool:
        each = [*self.journeys.values(), *self.half.values(), *self.kept.values()]
        return all(journeys.completed == journeys.orders for journeys in each)


def show(measured: Measured) -> None:
    parts = (
        ("JOURNEYS", measured.journeys),
        ("AT HALF LOAD", measured.half),
        ("ORDERS KEPT", measured.kept),
    )
    for title, journeys in parts:
        if journeys:
            _show_journeys(title, journeys)
            _show_cost(title, journeys)
    if measured.accepted:
        _show_accepted(measured.accepted)
    if limits := measured.limits:
        print_table(
            ("WHAT THIS MACHINE DOES AT MOST", "A SECOND"),
            [
                ("bare gRPC echo", f"{limits.echo:,.0f}"),
                (f"inserts of one row, {WRITERS} clients", f"{limits.inserts:,.0f}"),
                ("JetStream publish, one by one", f"{limits.publishes:,.0f}"),
            ],
        )
        print(f"\nMemory of the cluster: {measured.memory_bytes / 1_000_000:.0f} MB")


def _show_journeys(title: str, journeys: Mapping[str, Journeys]) -> None:
    heads = (title, "COMPLETED", "ORDERS/S", "THE CALL", "→ CONFIRMED", "→ COMPLETED")
    print_table(
        heads,
        [
            (
                name,
                f"{each.completed:,} of {each.orders:,}",
                f"{each.per_second:,.0f}",
                *map(_times, (each.call, each.confirmed, each.completed_in)),
            )
            for name, each in journeys.items()
        ],
    )
    print("Times are p50 / p95 / p99.\n")


def _times(latency: Latency) -> str:
    return " / ".join(map(short, (latency.p50, latency.p95, latency.p99)))


def _show_cost(title: str, journeys: Mapping[str, Journeys]) -> None:
    works = [each.work for each in journeys.values()]
    names = sorted({name for work in works for name in work.cpu_ms} - {BENCH})
    rows: list[Sequence[str]] = [
        ("CPU ms, servers and services", *(f"{work.all_cpu_ms:.2f}" for work in works)),
        *(
            (f"  {name}", *(f"{work.cpu_ms.get(name, 0):.2f}" for work in works))
            for name in (*names, BENCH)
        ),
        ("SQL statements", *(f"{sum(work.statements.values()):.2f}" for work in works)),
        *_by_name("statements", [work.statements for work in works]),
        ("transactions", *(f"{sum(work.transactions.values()):.2f}" for work in works)),
        ("calls between services", *(f"{sum(work.calls.values()):.2f}" for work in works)),
    ]
    print_table((f"{title}: AN ORDER COSTS", *journeys), rows)
    # With one order in flight the services mostly look whether there is anything to do.
    print("All that ran meanwhile, divided by the orders: slow loads pay for idle looks, too.\n")


def _by_name(what: str, counts: Sequence[Mapping[str, float]]) -> Sequence[Sequence[str]]:
    names = sorted({name for count in counts for name in count})
    return [
        (f"  {what} of {name}", *(f"{count.get(name, 0):.2f}" for count in counts))
        for name in names
    ]


def _show_accepted(accepted: Mapping[str, Accepted]) -> None:
    print_table(
        (
            *("ACCEPTED", "ORDERS/S", "P50", "P99", "CPU MS", "BARE ECHO", "RATIO", "BY CPU"),
            *("PGBENCH", "RATIO"),
        ),
        [
            (
                name,
                f"{each.ours.per_second:,.0f}",
                f"{each.ours.p50:.1f} ms",
                f"{each.ours.p99:.1f} ms",
                f"{each.ours.cpu_ms:.2f}",
                f"{each.echo.per_second:,.0f}",
                f"{each.ours.per_second / each.echo.per_second:.2f}",
                f"{each.echo.cpu_ms / each.ours.cpu_ms:.2f}",
                f"{each.pgbench:,.0f}",
                f"{each.ours.per_second / each.pgbench:.2f}",
            )
            for name, each in accepted.items()
        ],
    )
    print()
