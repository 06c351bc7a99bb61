"""
The partitions of an outbox, and the locks that guard them.

Who publishes events of a partition, or changes what is published of it, holds its lock: an
advisory lock of PostgreSQL for the length of a transaction, so that who dies or freezes loses it.
ADR-0005.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from chassis.storage.database import Transaction

# Fixed for ever: it decides which lock guards an aggregate's order.
PARTITIONS = 64

# The first half of the lock's key; the second is the partition.
_LOCK_CLASS = 0x0B0C

# Not more partitions than hold about as many events as are wanted: the rest is for other relays.
# A lock is tried only until there are enough of them.
_TRY = text(
    """
    WITH waiting AS MATERIALIZED (
        SELECT partition, count(*) AS events, min(position) AS oldest
        FROM (SELECT partition, position FROM outbox ORDER BY position LIMIT 4 * :wanted) AS first
        GROUP BY partition
    ), eldest_first AS MATERIALIZED (
        SELECT partition FROM waiting ORDER BY oldest
    )
    SELECT partition FROM eldest_first
    WHERE pg_try_advisory_xact_lock(:lock_class, partition)
    LIMIT (SELECT ceil(count(*) * :wanted / greatest(sum(events), 1)) FROM waiting)
    """
)
_LOCK = text(
    """
    SELECT pg_advisory_xact_lock(:lock_class, partition)
    FROM (
        SELECT partition FROM unnest(CAST(:partitions AS integer[])) AS p (partition)
        ORDER BY partition
    ) AS ordered
    """
)


def partition_of(aggregate_id: UUID) -> int:
    """
    Return the partition of an aggregate: 0 to 63.
    """
    # The last bits of a UUIDv7 are random; its first ones are the time.
    return aggregate_id.int % PARTITIONS


async def try_partitions_with_work(tx: Transaction, *, wanted: int) -> list[int]:
    """
    Lock partitions that have waiting events and that nobody else has locked: all of them, or so
    many that they hold about as many events as are *wanted*.

    It must be a statement of its own: the next one sees all that a lock's former holder has
    committed, which this one's snapshot may not.
    """
    rows = await tx.rows(_TRY, {"lock_class": _LOCK_CLASS, "wanted": wanted})
    return [row.partition for row in rows]


async def lock_partitions(tx: Transaction, aggregate_ids: Sequence[UUID]) -> None:
    """
    Lock the partitions of some aggregates, waiting for whoever holds them now.
    """
    partitions = sorted({partition_of(id_) for id_ in aggregate_ids})
    await tx.rows(_LOCK, {"lock_class": _LOCK_CLASS, "partitions": partitions})
