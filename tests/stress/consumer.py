"""A consumer: the chassis' own, with a handler that writes down every effect."""

import logging
from collections.abc import Sequence
from typing import Any

import uvloop
from sqlalchemy import text

from chassis.events.broker import connect_broker
from chassis.events.consumer import Consumer
from chassis.events.handlers import Subscription
from chassis.runner import run_until_stopped
from chassis.storage.database import Transaction, connect
from retail.order.v1 import order_events_pb2 as pb
from tests.stress import mistakes
from tests.stress.plan import CONTEXT, IDLE_SECONDS, Part, my_part
from tests.stress.points import Points

# In the order of the events; the serial number of the row is the order of the effects.
_TAKE_EFFECT = text(
    """
    INSERT INTO effects (word)
    SELECT word FROM unnest(CAST(:words AS text[])) WITH ORDINALITY AS new (word, number)
    ORDER BY number
    """
)


class Effects:
    """
    The handler.
    """

    def __init__(self, points: Points) -> None:
        self._points = points

    async def write(self, events: Sequence[Any], tx: Transaction) -> None:
        self._points.reach("before-handler")
        await tx.run(_TAKE_EFFECT, {"words": [event.reason for event in events]})
        # Acknowledged is what has committed, so this is before the acknowledgement.
        tx.after_commit(lambda: self._points.reach("after-commit"))
        self._points.reach("after-handler")


async def main(part: Part) -> None:
    logging.basicConfig(level="INFO")
    points = Points()
    points.listen()
    mistakes.in_consumer(part.mistake)
    consumer = Consumer(
        connect(part.database_url, application=part.name, idle_seconds=IDLE_SECONDS),
        await connect_broker(part.nats_url, name=part.name),
        listener=part.group,
        context=CONTEXT,
        subscriptions=[Subscription(pb.OrderRejected, Effects(points).write)],
    )
    await run_until_stopped(None, consumer.run())


if __name__ == "__main__":
    uvloop.run(main(my_part()))
