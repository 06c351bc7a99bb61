"""
Measure the event backbone beside what the servers themselves do.

It runs PostgreSQL and NATS of its own with durable settings (fsync, `sync_interval: always`). The
relay empties an outbox, in turns with atomic batches of the same messages straight to JetStream;
it does so again with a long history behind it. A consumer whose handler does nothing is measured
beside fetching and acknowledging alone. Then one process tells events and another hears them: as
many as go, and half as many, for which the time from telling to effect is quoted.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass

from chassis.events.broker import connect_broker
from chassis.storage.database import connect
from chassis.terminal import print_table
from deploy.local.arguments import at_least
from deploy.local.cluster import to_json
from deploy.local.event_bench.lag import Lag, lag_of
from deploy.local.event_bench.rates import (
    Beside,
    consumer_beside_raw,
    keep_history,
    relay_beside_raw,
)
from deploy.local.event_bench.world import World, world
from deploy.local.progress import progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    Attributes:
        history: How many published events the record held for `relay_with_history`.
        full: The flow from teller to listener when nothing holds the teller back.
        half: The same at half of that rate.
    """

    relay: Beside
    history: int
    relay_with_history: Beside
    consumer: Beside
    full: Lag
    half: Lag


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--events", type=at_least(1_000), default=20_000, help="a round (default: 20,000)"
    )
    parser.add_argument(
        "--rounds", type=at_least(1), default=5, help="of each measurement (default: 5)"
    )
    parser.add_argument(
        "--history",
        type=at_least(0),
        default=1_000_000,
        help="events in the record (default: 1,000,000)",
    )
    parser.add_argument(
        "--seconds", type=at_least(2), default=10, help="of each flow (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="print an object")


async def run(arguments: Namespace) -> int:
    async with world() as servers:
        measured = await measure(servers, arguments)
    if arguments.json:
        print(to_json(measured).decode(), end="")
    else:
        show(measured)
    return 0


async def measure(servers: World, arguments: Namespace) -> Measured:
    telling = connect(servers.telling.app, application="bench")
    hearing = connect(servers.hearing.app, application="bench")
    broker = await connect_broker(servers.nats_url, name="bench")
    size = {"events": arguments.events, "rounds": arguments.rounds}
    try:
        with progress("measurements", 5, quiet=arguments.json) as tell:
            tell(0, "flow at full rate")
            full = await lag_of(servers, rate=0, seconds=arguments.seconds)
            tell(1, "flow at half rate")
            half = await lag_of(servers, rate=full.told / 2, seconds=arguments.seconds)
            tell(2, "relay")
            relay = await relay_beside_raw(servers, telling, broker, **size)
            tell(3, "consumer")
            consumer = await consumer_beside_raw(servers, telling, hearing, broker, **size)
            tell(4, "relay with history")
            await keep_history(servers, arguments.history)
            with_history = await relay_beside_raw(servers, telling, broker, **size)
            tell(5, "")
    finally:
        await broker.close()
        await telling.close()
        await hearing.close()
    return Measured(
        relay=relay,
        history=arguments.history,
        relay_with_history=with_history,
        consumer=consumer,
        full=full,
        half=half,
    )


def show(measured: Measured) -> None:
    rates = (
        ("relay, beside raw atomic batches", measured.relay),
        (f"the same, {measured.history:,} events kept", measured.relay_with_history),
        ("consumer, beside fetch and ack", measured.consumer),
    )
    print_table(
        ("WHAT", "EVENTS A SECOND", "THE LIMIT", "RATIO"),
        [
            (what, f"{each.ours:,.0f}", f"{each.limit:,.0f}", f"{each.ratio:.2f}")
            for what, each in rates
        ],
    )
    print()
    print_table(
        ("FROM TOLD TO IN EFFECT", "EVENTS A SECOND", "P50", "P99"),
        [
            (what, f"{lag.told:,.0f}", f"{lag.p50:.1f} ms", f"{lag.p99:.1f} ms")
            for what, lag in (("as many as go", measured.full), ("half as many", measured.half))
        ],
    )
