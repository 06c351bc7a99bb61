"""
The transactional outbox: an event is told if, and only if, the change it speaks of is committed.

A transaction writes its events to the `outbox` table next to its data; the relay publishes them
afterwards, at least once and in order for any one aggregate.
"""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy import Uuid as UuidType

from chassis.events.partitions import partition_of
from chassis.kernel.aggregate import Aggregate
from chassis.kernel.clock import Clock
from chassis.kernel.ids import new_id
from chassis.storage.bulk import insert_rows
from chassis.storage.database import Transaction
from chassis.telemetry.tracing import trace_for
from chassis.wake import Wake

# NATS takes messages of up to a megabyte, headers included.
MOST_BYTES = 900_000

OUTBOX_1 = (
    """
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY,
    partition smallint NOT NULL,
    event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    trace text NOT NULL,
    occurred_at timestamptz NOT NULL,
    published_at timestamptz,
    stream_sequence bigint,
    CONSTRAINT uq_outbox_aggregate_id UNIQUE (aggregate_id, aggregate_version)
)
""",
    "CREATE INDEX ix_outbox_waiting ON outbox (position) WHERE published_at IS NULL",
)

_TABLE = Table(
    "outbox",
    MetaData(),
    Column("position", BigInteger, primary_key=True),
    Column("partition", SmallInteger),
    Column("event_id", UuidType),
    Column("aggregate_id", UuidType),
    Column("aggregate_version", BigInteger),
    Column("subject", Text),
    Column("payload", LargeBinary),
    Column("trace", Text),
    Column("occurred_at", DateTime(timezone=True)),
)


class EventTooLarge(Exception):
    """
    An event is larger than NATS can carry: a limit on what it tells of is missing.
    """


class Outbox:
    """
    The events of one transaction.
    """

    def __init__(self, tx: Transaction, *, wake: Wake, clock: Clock) -> None:
        self._tx = tx
        self._wake = wake
        self._clock = clock
        self._rows: list[dict[str, Any]] = []
        self._now = clock()
        self._occurred_at = Timestamp()

    def tell(self, aggregate: Aggregate[Any], to_wire: Callable[[Any], Message]) -> None:
        """
        Tell what *aggregate* has recorded, when the transaction commits.

        The subject of an event is its full protobuf name, such as `retail.order.v1.OrderPlaced`.
        Its `meta` (event id, time, aggregate, version) is filled in here.
        """
        for event in aggregate.pull_events():
            if not self._rows:
                self._begin()
            aggregate.event_count += 1
            self._rows.append(self._row(aggregate, to_wire(event)))

    def _begin(self) -> None:
        self._tx.before_commit(self._flush)
        self._tx.after_commit(self._wake.ring)
        # What is told together happened at one moment.
        self._now = self._clock()
        self._occurred_at.FromDatetime(self._now)

    def _row(self, aggregate: Any, message: Any) -> dict[str, Any]:
        event_id = new_id()
        meta = message.meta
        meta.event_id = str(event_id)
        meta.occurred_at.CopyFrom(self._occurred_at)
        meta.aggregate_id = str(aggregate.id)
        meta.aggregate_version = aggregate.event_count
        payload = message.SerializeToString()
        if len(payload) > MOST_BYTES:
            # Better this transaction fails than that the relay never gets past it.
            raise EventTooLarge(f"{message.DESCRIPTOR.full_name} has {len(payload):,} bytes")
        return {
            "partition": partition_of(aggregate.id),
            "event_id": event_id,
            "aggregate_id": aggregate.id,
            "aggregate_version": aggregate.event_count,
            "subject": message.DESCRIPTOR.full_name,
            "payload": payload,
            "trace": trace_for(aggregate.id, aggregate.trace),
            "occurred_at": self._now,
        }

    async def _flush(self) -> None:
        # In the order told: positions rise with the versions of each aggregate.
        rows, self._rows = self._rows, []
        await insert_rows(self._tx, _TABLE, rows)
