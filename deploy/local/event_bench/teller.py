"""
A service that tells events at a steady rate: `python -m deploy.local.event_bench.teller`.

Reads what to do from the command line: database, NATS, events a second (0: as many as it can),
seconds. Prints how many it has told a second.
"""

import asyncio
import sys
import time
from dataclasses import dataclass, field
from uuid import UUID

import uvloop

from chassis.events.broker import connect_broker
from chassis.events.outbox import Outbox
from chassis.events.publisher import Publisher
from chassis.kernel.aggregate import Aggregate
from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.runner import tame_garbage_collector
from chassis.storage.database import Database, connect
from chassis.wake import Wake
from retail.order.v1 import order_events_pb2 as pb

# Transactions at once, and events in each: as services that work in batches make them.
WRITERS = 4
EVENTS = 10


@dataclass(kw_only=True, eq=False)
class Thing(Aggregate[str]):
    id: UUID = field(default_factory=new_id)


def thing_to_wire(word: str) -> pb.OrderRejected:
    return pb.OrderRejected(reason=word)


async def tell_some(database: Database, told: Wake) -> None:
    async with database.begin() as tx:
        outbox = Outbox(tx, wake=told, clock=system_clock)
        for _ in range(EVENTS):
            thing = Thing()
            thing.record("x" * 280)
            outbox.tell(thing, thing_to_wire)


async def main(database_url: str, nats_url: str, rate: float, seconds: float) -> None:
    database = connect(database_url, application="teller", pool_size=8)
    broker = await connect_broker(nats_url, name="teller")
    told = Wake()
    publisher = asyncio.create_task(Publisher(database, broker, context="order", told=told).run())
    tame_garbage_collector()
    began = time.monotonic()
    count = 0

    async def write(number: int) -> None:
        nonlocal count
        # Spread evenly: each writer has its own place in the beat.
        due = began + (number * EVENTS / rate if rate else 0)
        while time.monotonic() - began < seconds:
            if rate:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += WRITERS * EVENTS / rate
            await tell_some(database, told)
            count += EVENTS

    async with asyncio.TaskGroup() as tasks:
        for number in range(WRITERS):
            tasks.create_task(write(number))
    print(count / (time.monotonic() - began), flush=True)
    # The listener is to hear the rest, too.
    await asyncio.to_thread(sys.stdin.readline)
    publisher.cancel()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
