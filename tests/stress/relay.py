"""A relay: the chassis' own publisher, with points where it publishes, files and commits."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import uvloop
from nats.aio.client import Client

from chassis.events import relay as relay_module
from chassis.events.broker import connect_broker
from chassis.events.publisher import Publisher
from chassis.runner import run_until_stopped
from chassis.storage.database import Database, Transaction, connect
from chassis.wake import Wake
from tests.stress import mistakes
from tests.stress.plan import CONTEXT, IDLE_SECONDS, Part, my_part
from tests.stress.points import Points

Publish = Callable[[Transaction, Client, Sequence[Any], str], Awaitable[Sequence[int]]]

# Whether the transaction at work has published something.
_has_published = ContextVar("has_published", default=False)


def with_points(publish: Publish, points: Points) -> Publish:
    """
    Return *publish* with a point before and a point after it.
    """

    async def publish_between_points(
        tx: Transaction, broker: Client, rows: Sequence[Any], context: str
    ) -> Sequence[int]:
        points.reach("before-publish")
        sequences = await publish(tx, broker, rows, context)
        points.reach("after-publish")
        _has_published.set(True)
        return sequences

    return publish_between_points


class PointedDatabase:
    """
    A database with a point at the end of every transaction that has published something.
    """

    def __init__(self, database: Database, points: Points) -> None:
        self._database = database
        self._points = points

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Transaction]:
        _has_published.set(False)
        async with self._database.begin() as tx:
            yield tx
            if _has_published.get():
                await tx.flush()
                self._points.reach("after-filing")


async def main(part: Part) -> None:
    logging.basicConfig(level="INFO")
    points = Points()
    points.listen()
    relay_module._publish = with_points(relay_module._publish, points)
    database: Any = PointedDatabase(
        connect(part.database_url, application=part.name, idle_seconds=IDLE_SECONDS), points
    )
    broker = await connect_broker(part.nats_url, name=part.name)
    if part.mistake:
        # Alone: the repair would make up for some mistakes.
        relay, database = mistakes.in_relay(part.mistake, relay_module, database)
        job = relay(database, broker, context=CONTEXT, told=Wake())
    else:
        job = Publisher(database, broker, context=CONTEXT, told=Wake()).run()
    await run_until_stopped(None, job)


if __name__ == "__main__":
    uvloop.run(main(my_part()))
