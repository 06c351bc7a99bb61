"""Published events are put back into the outbox, to be published once more."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from chassis.events.partitions import lock_partitions
from chassis.events.record import COLUMNS
from chassis.storage.database import Database, Transaction

# So many wait in the outbox before more is put back.
MOST_WAITING = 2_000
BETWEEN_LOOKS_SECONDS = 0.1

_WAITING = text(
    f"SELECT count(*) AS waiting FROM (SELECT FROM outbox LIMIT {MOST_WAITING}) AS first"
)

_PUT_BACK = text(
    f"""
    WITH chosen AS (
        SELECT aggregate_id, min(version) AS version
        FROM unnest(
            CAST(:ids AS uuid[]), CAST(:versions AS bigint[]), CAST(:sequences AS bigint[])
        ) AS asked (aggregate_id, version, sequence)
        WHERE EXISTS (
            -- Who was faster has put it back already, and it is published anew.
            SELECT FROM published_events AS event
            WHERE event.aggregate_id = asked.aggregate_id AND aggregate_version = version
                AND stream_sequence = coalesce(sequence, stream_sequence)
                -- What was published a moment ago is on its way.
                AND published_at <= clock_timestamp() - CAST(:rest AS interval)
        )
        GROUP BY aggregate_id
    ), taken AS (
        DELETE FROM published_events AS event USING chosen
        WHERE event.aggregate_id = chosen.aggregate_id AND aggregate_version >= version
        RETURNING event.*
    )
    INSERT INTO outbox ({COLUMNS}) OVERRIDING SYSTEM VALUE
    SELECT {COLUMNS.replace("replays", "replays + 1")} FROM taken
    """
)


@dataclass(frozen=True, slots=True)
class Tail:
    """
    The events of one aggregate from a version on.

    Attributes:
        sequence: Where in the stream that version is missing; `None` if that does not matter.
    """

    aggregate_id: UUID
    version: int
    sequence: int | None = None


async def put_back(tx: Transaction, tails: Sequence[Tail], *, rest: timedelta = timedelta()) -> int:
    """
    Put the *tails* of aggregates back into the outbox, to be published once more; return how
    many events that are.

    It takes all later events of an aggregate along, so that in the stream, too, they come in order
    behind the one that was missing. Listeners know those they had.

    Args:
        rest: How long ago an event must have been published to be published once more.
    """
    ids = [tail.aggregate_id for tail in tails]
    # No relay may be at work on them: an event that it is publishing would stay in front.
    await lock_partitions(tx, ids)
    return await tx.run(
        _PUT_BACK,
        {
            "ids": ids,
            "versions": [tail.version for tail in tails],
            "sequences": [tail.sequence for tail in tails],
            "rest": rest,
        },
    )


async def wait_for_room(database: Database) -> None:
    """
    Wait until the outbox has room for a portion of what is told once more: new events wait behind
    it.
    """
    while True:
        async with database.begin() as tx:
            (row,) = await tx.rows(_WAITING)
        if row.waiting < MOST_WAITING:
            return
        await asyncio.sleep(BETWEEN_LOOKS_SECONDS)
