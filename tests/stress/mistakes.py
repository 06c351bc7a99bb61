"""
Planted mistakes: each a small replacement of a seam, each made by somebody somewhere before.

A harness that has never failed proves nothing. Each of these must make a run fail, and with the
violation that it leads to.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from uuid import UUID

from nats.aio.client import Client
from sqlalchemy import text

from chassis.events.consumer import Consumer
from chassis.events.delivery import Delivery, Envelope
from chassis.events.streams import stream_of
from chassis.storage.database import Transaction
from tests.stress.plan import CONTEXT

log = logging.getLogger(__name__)

Relay = Callable[..., Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """
    Attributes:
        leads_to: The violation.
        faults: Those that bring it to light; the others are left out.
        tables: What it needs in the writers' database.
    """

    leads_to: str
    faults: tuple[str, ...] = ()
    tables: str = ""


MISTAKES = {
    # Positions are given before the commit and seen after it: who commits late is passed over.
    "cursor": Mistake(
        leads_to="lost",
        tables="CREATE TABLE relay_cursor (last bigint NOT NULL);"
        " INSERT INTO relay_cursor VALUES (0)",
    ),
    # Who dies between the two has told JetStream to forget what never took effect.
    "ack-before-commit": Mistake(leads_to="lost", faults=("consumer:after-handler",)),
    # Who dies between the two has marked as published what never was.
    "mark-before-puback": Mistake(leads_to="lost", faults=("relay:before-publish",)),
    # Everything at least once is some of it twice.
    "no-inbox": Mistake(leads_to="doubled", faults=("duplicates", "consumer:after-commit")),
}

_TAKE_CURSOR = text("SELECT last FROM relay_cursor FOR UPDATE")
_MOVE_CURSOR = text("UPDATE relay_cursor SET last = :last")
_NEXT = text("SELECT * FROM outbox WHERE position > :last ORDER BY position LIMIT 500")


def in_relay(mistake: str, module: ModuleType, database: Any) -> tuple[Relay, Any]:
    """
    Return how to relay with *mistake*, and from what.
    """
    match mistake:
        case "cursor":
            return cursor_relay(module), database
        case "mark-before-puback":
            return module.relay, MarkedFirst(module, database)
        case _:
            return module.relay, database


def in_consumer(mistake: str) -> None:
    """
    Make every consumer of this process make *mistake*.
    """
    match mistake:
        case "ack-before-commit":
            Consumer.handle = acknowledging_first(Consumer.handle)
        case "no-inbox":
            Consumer.handle = handle_without_inbox


def cursor_relay(module: ModuleType) -> Relay:
    async def relay(database: Any, broker: Client, *, context: str, told: Any) -> None:
        while True:
            try:
                async with database.begin() as tx:
                    ((last,),) = await tx.rows(_TAKE_CURSOR)
                    if rows := await tx.rows(_NEXT, {"last": last}):
                        await module._publish(tx, broker, rows, context)
                        await tx.run(_MOVE_CURSOR, {"last": rows[-1].position})
            except Exception as error:  # noqa: BLE001  the next round tries again
                log.warning("relay: %r", error)
            await told.wait(sweep_seconds=0.02)

    return relay


class MarkedFirst:
    """
    A database whose transactions publish when they have committed.
    """

    def __init__(self, module: ModuleType, database: Any) -> None:
        self._database = database
        self._publish = module._publish
        self._waiting: list[tuple[Client, Sequence[Any], str]] = []
        module._publish = self._pretend

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[Transaction]:
        async with self._database.begin() as tx:
            yield tx
        waiting, self._waiting = self._waiting, []
        for broker, rows, context in waiting:
            async with self._database.begin() as tx:
                await self._publish(tx, broker, rows, context)

    async def _pretend(
        self, _tx: Transaction, broker: Client, rows: Sequence[Any], context: str
    ) -> list[int]:
        self._waiting.append((broker, rows, context))
        stream = await broker.jetstream().stream_info(stream_of(CONTEXT))
        return [stream.state.last_seq + number for number in range(1, len(rows) + 1)]


def acknowledging_first(handle: Any) -> Any:
    async def handle_acknowledged(self: Any, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            # By hand, so that the second one, in its place, is still allowed.
            await self._broker.publish(delivery.message.reply, b"+ACK")
        await self._broker.flush()
        await handle(self, deliveries)

    return handle_acknowledged


async def handle_without_inbox(self: Any, deliveries: Sequence[Delivery]) -> None:
    due: dict[UUID, list[Envelope]] = defaultdict(list)
    for delivery in deliveries:
        due[delivery.envelope.aggregate_id].append(delivery.envelope)
    async with self._database.begin() as tx:
        await self._handlers.handle(due, tx)
    await asyncio.gather(*(delivery.message.ack() for delivery in deliveries))
