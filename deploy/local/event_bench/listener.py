"""
A service that listens: `python -m deploy.local.event_bench.listener`, with a database and NATS on
the command line. At the end of its input it prints, in seconds, how long each event took from being
told until it was in effect, but for those of the first second: connections are opened in it.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import orjson
import uvloop

from chassis.events.broker import connect_broker
from chassis.events.consumer import Consumer
from chassis.events.handlers import Subscription
from chassis.runner import tame_garbage_collector
from chassis.storage.database import Transaction, connect
from retail.order.v1 import order_events_pb2 as pb

WARM_UP = timedelta(seconds=1)


async def main(database_url: str, nats_url: str) -> None:
    database = connect(database_url, application="listener")
    broker = await connect_broker(nats_url, name="listener")
    lags: list[tuple[datetime, float]] = []

    async def hear(events: Sequence[pb.OrderRejected], tx: Transaction) -> None:
        told = [event.meta.occurred_at.ToDatetime(UTC) for event in events]

        def in_effect() -> None:
            now = datetime.now(UTC)
            lags.extend((moment, (now - moment).total_seconds()) for moment in told)

        tx.after_commit(in_effect)

    consumer = Consumer(
        database,
        broker,
        listener="fulfillment",
        context="order",
        subscriptions=[Subscription(pb.OrderRejected, hear)],
    )
    listening = asyncio.create_task(consumer.run())
    tame_garbage_collector()
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    listening.cancel()
    warm = min(moment for moment, _ in lags) + WARM_UP
    print(orjson.dumps([lag for moment, lag in lags if moment >= warm]).decode(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
