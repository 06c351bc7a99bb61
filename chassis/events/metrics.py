"""
What can be seen of events on their way, for Prometheus.

Counters and durations are of this process: sum them over replicas. Gauges are of what all replicas
share, a database or a stream, read every few seconds by each of them: take their maximum.
"""

from datetime import UTC, datetime

from nats.aio.client import Client
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import text

from chassis.storage.database import Database

SAMPLE_SECONDS = 5.0

# Seconds. A lone event takes some milliseconds; a minute is an outage.
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

OUTBOX_EVENTS = Gauge("waybill_outbox_events", "Events that wait to be published.", ["context"])
OUTBOX_AGE = Gauge(
    "waybill_outbox_oldest_seconds",
    "How long ago the oldest event that waits to be published for the first time was told.",
    ["context"],
)
PUBLISHED = Counter("waybill_relay_events", "Events that JetStream has confirmed.", ["context"])
RELAY_LAG = Histogram(
    "waybill_relay_lag_seconds",
    "From when an event was told until JetStream confirmed it.",
    ["context"],
    buckets=_SECONDS,
)
REFUSED_BATCHES = Counter(
    "waybill_relay_refused_batches",
    "Batches that JetStream refused; their events were published one by one.",
    ["context"],
)
REPLAYED = Counter(
    "waybill_replayed_events",
    "Events put back to be published once more, because a stream had lost them or a listener"
    " missed them.",
    ["context", "reason"],
)
STREAM_LOSSES = Counter(
    "waybill_stream_losses", "How often a stream was found to have lost something.", ["context"]
)
DELIVERED = Counter(
    "waybill_consumer_events",
    "Deliveries by what became of them: applied, repeated (applied before), early (waits for its"
    " elder), aside (its elder is lost and asked for), behind (a dead letter), foreign (no event).",
    ["consumer", "outcome"],
)
SKIPPED = Counter(
    "waybill_consumer_skipped_events",
    "Applied events of a type that the listener does nothing about, or does not know.",
    ["consumer"],
)
CONSUMER_LAG = Histogram(
    "waybill_consumer_lag_seconds",
    "From when an event was told until it had taken effect.",
    ["consumer"],
    buckets=_SECONDS,
)
FAILED_ATTEMPTS = Counter(
    "waybill_consumer_failed_attempts", "Attempts at an event that failed.", ["consumer"]
)
PENDING = Gauge(
    "waybill_consumer_pending_events", "Events in the stream not yet delivered.", ["consumer"]
)
UNACKNOWLEDGED = Gauge(
    "waybill_consumer_unacknowledged_events", "Events delivered and not settled.", ["consumer"]
)
REDELIVERED = Gauge(
    "waybill_consumer_redelivered_events",
    "Events that were delivered more than once and are not settled.",
    ["consumer"],
)
DEAD_LETTERS = Gauge("waybill_dead_letters", "Dead letters that wait for a decision.", ["consumer"])
PARKED = Gauge(
    "waybill_parked_aggregates", "Aggregates that wait behind a dead letter.", ["consumer"]
)
MISSING = Gauge(
    "waybill_missing_aggregates",
    "Aggregates of which an event is lost and asked for.",
    ["consumer"],
)

_OUTBOX = text(
    """
    SELECT count(*) AS events, coalesce(extract(epoch FROM
        clock_timestamp() - min(occurred_at) FILTER (WHERE replays = 0)), 0) AS oldest
    FROM outbox
    """
)
_INBOX = text(
    """
    SELECT
        (SELECT count(*) FROM dead_letters
            WHERE consumer = :consumer AND resolution = '') AS letters,
        (SELECT count(*) FROM inbox
            WHERE consumer = :consumer AND parked_at IS NOT NULL) AS parked,
        (SELECT count(*) FROM inbox
            WHERE consumer = :consumer AND missing_since IS NOT NULL) AS missing
    """
)


def seconds_since(moment: datetime) -> float:
    """
    Return how long ago *moment* was; not less than nothing, though clocks may differ.
    """
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())


async def sample_outbox(database: Database, context: str) -> None:
    """
    Read how much waits in the outbox of *context*.
    """
    async with database.begin() as tx:
        (row,) = await tx.rows(_OUTBOX)
    OUTBOX_EVENTS.labels(context).set(row.events)
    OUTBOX_AGE.labels(context).set(float(row.oldest))


async def sample_consumer(
    database: Database, broker: Client, *, consumer: str, stream: str
) -> None:
    """
    Read how far *consumer* is behind its stream, and what it cannot go on with.
    """
    info = await broker.jetstream().consumer_info(stream, consumer)
    PENDING.labels(consumer).set(info.num_pending or 0)
    UNACKNOWLEDGED.labels(consumer).set(info.num_ack_pending or 0)
    REDELIVERED.labels(consumer).set(info.num_redelivered or 0)
    async with database.begin() as tx:
        (row,) = await tx.rows(_INBOX, {"consumer": consumer})
    DEAD_LETTERS.labels(consumer).set(row.letters)
    PARKED.labels(consumer).set(row.parked)
    MISSING.labels(consumer).set(row.missing)
