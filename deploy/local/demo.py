"""
Show the main job: orders from place to delivery, with all that can become of them, and check it.

Starts the cluster if it does not run, brings products and stock in and places fourteen orders at
once. Providers accept, dispatch and deliver; customers send something back, and exchange something.
Shows what happened: each order, the timeline and the trace of one, and whether every invariant
holds. Ends with 0 only if everything is as expected. Each run has goods and orders of its own: run
it as often as you like.
"""

import asyncio
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from uuid import uuid4

from chassis.kernel.clock import system_clock
from chassis.telemetry.setup import set_up_telemetry
from chassis.terminal import print_table
from deploy.local.cluster import Cluster, to_json
from deploy.local.providers import providers_at_work, with_providers
from deploy.local.showcase.goods import Shop
from deploy.local.showcase.journeys import JOURNEYS
from deploy.local.showcase.outcome import Outcome
from deploy.local.showcase.travels import Travels
from deploy.local.traces import Span, complete_trace, missing_from, tree_of
from deploy.local.up import Report, bring_up, nats_nodes_from, replicas_from, silent
from deploy.local.verdict import Verdict
from deploy.local.verify import verify
from deploy.local.while_running import while_running
from deploy.local.world.catalogue import offer_products, receive
from deploy.local.world.latency import short
from deploy.local.world.patience import Patience
from deploy.local.world.services import services_of

ALL_WITHIN_SECONDS = 120.0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    report = silent if arguments.json else say
    cluster = await bring_up(
        arguments.state,
        replicas=replicas_from(os.environ.get("REPLICAS") or "1"),
        nats_nodes=nats_nodes_from(os.environ.get("NATS_NODES") or "1"),
        environ=with_providers(os.environ),
        report=report,
    )
    began = system_clock()
    folder = cluster.state / "traces"
    telemetry = set_up_telemetry(
        service="client",
        instance="demo",
        traces_file=str(folder / "demo.jsonl"),
        sample_ratio=1.0,
        # Its log would stand between the lines that are for the reader.
        log_level="CRITICAL",
    )
    try:
        outcomes = await while_running(cluster, play(cluster, report))
    finally:
        await telemetry.shut_down()
    spans = await complete_trace(folder, outcomes[0].trace_id)
    verdict = await verify(cluster, wait_seconds=10)
    as_expected = not any(o.problems for o in outcomes) and not missing_from(spans)
    if arguments.json:
        print(to_json(for_json(outcomes, spans, verdict)).decode(), end="")
    else:
        show(outcomes, spans, verdict)
        took = (system_clock() - began).total_seconds()
        print(f"\nThe demo took {took:.1f} s. Everything is in {cluster.state}.")
    return 0 if as_expected and verdict.holds else 1


async def play(cluster: Cluster, report: Report) -> Sequence[Outcome]:
    """
    Play all journeys at once, and return what became of them.
    """
    patience = Patience()
    shop = Shop(uuid4().hex[:6])
    async with providers_at_work(cluster) as retire, services_of(cluster) as services:
        report(f"\nBringing {len(shop.products)} products into the shop …")
        await offer_products(shop.products, services=services, patience=patience)
        await receive(shop.deliveries, occasion=shop.run, services=services, patience=patience)
        report(f"Placing {len(JOURNEYS)} orders at once …\n")
        travels = Travels(shop=shop, services=services, patience=patience, report=report)
        async with asyncio.timeout(ALL_WITHIN_SECONDS), asyncio.TaskGroup() as tasks:
            travelling = [tasks.create_task(travels.travel(journey)) for journey in JOURNEYS]
        await retire()
    return [outcome for each in travelling for outcome in each.result()]


def show(outcomes: Sequence[Outcome], spans: Sequence[Span], verdict: Verdict) -> None:
    print("\nWhat became of the orders:\n")
    print_table(
        (
            "ORDER",
            "EXPECTED",
            "STATUS · PAYMENT · FULFILLMENT",
            "TOTAL",
            "CAPTURED",
            "REFUNDED",
            "PARCELS",
            "CONFIRMED",
            "ENDED",
            "",
        ),
        [
            (
                each.journey.name,
                each.journey.expect.words,
                each.axes,
                str(each.total),
                str(each.captured),
                str(each.refunded) if each.refunded.minor_units else "-",
                str(len(each.order.shipments)),
                since(each.seconds_to("order confirmed")),
                since(
                    each.seconds_to("order completed")
                    or each.seconds_to("order rejected")
                    or each.seconds_to("order cancelled")
                ),
                "NOT AS EXPECTED" if each.problems else "as expected",
            )
            for each in outcomes
        ],
    )
    for each in outcomes:
        for problem in each.problems:
            print(f"  {each.journey.name}: {problem}")

    first = outcomes[0]
    print(f"\nThe timeline of “{first.journey.name}” ({first.order.order_id}):\n")
    zero = first.order.timeline[0].time.ToNanoseconds()
    print_table(
        ("AFTER", "WHAT", "BY"),
        [
            (short((entry.time.ToNanoseconds() - zero) / 1e9), entry.what, entry.cause)
            for entry in first.order.timeline
        ],
    )
    print(f"\nIts trace, {first.trace_id} (begun after, took, who: what):\n")
    for line in tree_of(spans):
        print(line)
    if missing := missing_from(spans):
        print(f"\nThe trace is NOT COMPLETE: it lacks {', '.join(missing)}.")
    print("\nWhether every invariant holds:\n")
    verdict.show()


def since(seconds: float | None) -> str:
    return "-" if seconds is None else short(seconds)


def for_json(
    outcomes: Sequence[Outcome], spans: Sequence[Span], verdict: Verdict
) -> dict[str, object]:
    return {
        "orders": [
            {
                "name": each.journey.name,
                "order_id": each.order.order_id,
                "expected": each.journey.expect.words,
                "axes": each.axes,
                "total": str(each.total),
                "captured": str(each.captured),
                "refunded": str(each.refunded),
                "seconds_to_confirmed": each.seconds_to("order confirmed"),
                "seconds_to_completed": each.seconds_to("order completed"),
                "problems": each.problems,
                "trace_id": each.trace_id,
            }
            for each in outcomes
        ],
        "trace": {"spans": len(spans), "missing": missing_from(spans)},
        "verify": verdict.for_json(),
    }


def say(line: str) -> None:
    """
    Print at once, also where nobody looks at a terminal.
    """
    print(line, flush=True)
