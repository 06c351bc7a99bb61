"""
A writer: changes things, tells of it through the outbox, and writes down what it told.

What it told is written by plain SQL into `committed`, in the same transaction: that table is the
truth that the checker compares with. Some transactions dawdle between their last statement and
their commit, so that positions in the outbox do not become visible in order; some roll back on
purpose.
"""

import asyncio
import logging
import os
import random
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import uvloop
from sqlalchemy import text

from chassis.events.outbox import Outbox
from chassis.kernel.aggregate import Aggregate
from chassis.kernel.clock import system_clock
from chassis.kernel.ids import new_id
from chassis.runner import run_until_stopped
from chassis.storage.database import Database, Transaction, connect
from chassis.wake import Wake
from retail.order.v1 import order_events_pb2 as pb
from tests.stress.plan import HOT, IDLE_SECONDS, THINGS, Part, my_part
from tests.stress.points import Points

log = logging.getLogger(__name__)

LANES = 4
BETWEEN_TRANSACTIONS_SECONDS = 0.01
HOT_SHARE, NEW_SHARE, DAWDLE_SHARE, ROLLBACK_SHARE = 0.3, 0.3, 0.08, 0.05

_LOCK_THINGS = text(
    "SELECT id, told FROM things WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
)
_SAVE_THINGS = text(
    """
    INSERT INTO things (id, told)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:told AS bigint[]))
    ON CONFLICT (id) DO UPDATE SET told = excluded.told
    """
)
_COMMITTED = text(
    """
    INSERT INTO committed (thing, number, word)
    SELECT * FROM unnest(
        CAST(:things AS uuid[]), CAST(:numbers AS bigint[]), CAST(:words AS text[])
    )
    """
)


class RolledBack(Exception):
    """
    On purpose.
    """


@dataclass(kw_only=True, eq=False)
class Thing(Aggregate[str]):
    id: UUID = field(default_factory=new_id)


def thing_to_wire(word: str) -> pb.OrderRejected:
    return pb.OrderRejected(reason=word)


class Writer:
    """
    One lane: a transaction after the other.
    """

    def __init__(self, database: Database, points: Points, dice: random.Random) -> None:
        self._database = database
        self._points = points
        self._dice = dice

    async def run(self) -> None:
        """
        Write until cancelled.
        """
        while True:
            await self._points.going.wait()
            try:
                async with self._database.begin() as tx:
                    await self._change(tx)
            except RolledBack:
                pass
            except Exception as error:  # noqa: BLE001  whether it committed, the table knows
                log.warning("writer: %s: %s", type(error).__name__, error)
                await asyncio.sleep(0.2)
            pause = self._dice.expovariate(1 / BETWEEN_TRANSACTIONS_SECONDS)
            await asyncio.sleep(pause)

    async def _change(self, tx: Transaction) -> None:
        dawdles = self._dice.random() < DAWDLE_SHARE
        things = await self._choose(tx, hot=not dawdles)
        # Counted here as well, so that the check does not rest on the chassis' own count.
        numbers = {thing.id: thing.event_count for thing in things}
        outbox = Outbox(tx, wake=Wake(), clock=system_clock)
        told: list[tuple[UUID, int, str]] = []
        for _ in range(self._dice.randint(len(things), 2 * len(things))):
            thing, word = self._dice.choice(things), uuid4().hex
            thing.record(word)
            outbox.tell(thing, thing_to_wire)
            numbers[thing.id] += 1
            told.append((thing.id, numbers[thing.id], word))
        await tx.run(_SAVE_THINGS, {"ids": list(numbers), "told": list(numbers.values())})
        ids, counts, words = zip(*told, strict=True)
        await tx.run(
            _COMMITTED, {"things": list(ids), "numbers": list(counts), "words": list(words)}
        )
        # Behind the outbox's own last act.
        tx.before_commit(lambda: self._finish(tx, dawdles=dawdles))
        tx.after_commit(lambda: self._points.reach("after-commit"))

    async def _choose(self, tx: Transaction, *, hot: bool) -> list[Thing]:
        dice = self._dice
        chosen = set(dice.sample(THINGS[HOT:], dice.randint(1, 3)))
        if hot and dice.random() < HOT_SHARE:
            chosen.add(dice.choice(THINGS[:HOT]))
        rows = await tx.rows(_LOCK_THINGS, {"ids": sorted(chosen)})
        things = [Thing(id=row.id, event_count=row.told) for row in rows]
        if dice.random() < NEW_SHARE:
            # Most are told of once and never again: no later event gives away that one is lost.
            things.append(Thing())
        return things

    async def _finish(self, tx: Transaction, *, dawdles: bool) -> None:
        await tx.flush()
        if dawdles:
            await asyncio.sleep(self._dice.uniform(0.2, 0.6))
        if self._dice.random() < ROLLBACK_SHARE:
            raise RolledBack
        self._points.reach("before-commit")


async def main(part: Part) -> None:
    logging.basicConfig(level="INFO")
    points = Points()
    points.listen()
    database = connect(
        part.database_url, application=part.name, pool_size=LANES, idle_seconds=IDLE_SECONDS
    )
    # Another incarnation, other deeds.
    dice = random.Random(f"{part.seed} {part.name} {os.getpid()}")
    lanes = [Writer(database, points, random.Random(dice.random())) for _ in range(LANES)]
    await run_until_stopped(None, *(lane.run() for lane in lanes))


if __name__ == "__main__":
    uvloop.run(main(my_part()))
