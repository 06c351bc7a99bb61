"""
The record: every event that was published, and where in the stream it went.

The outbox holds what waits, and is nearly empty; the record holds what has left, a table a day, so
that forgetting a day costs nothing and no cost grows with history. A stream that lost something is
filled again from here: events are put back into the outbox, and the relay publishes them as ever.
ADR-0016.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from chassis.storage.database import Transaction

KEPT_DAYS = 14

# So many days have their table before they begin; a service that was off for longer makes them
# when it starts.
DAYS_AHEAD = 3

COLUMNS = (
    "position, partition, event_id, aggregate_id, aggregate_version, subject, payload, trace,"
    " occurred_at, replays"
)

# The service may not change its schema: it may call two functions that do this and no more.
RECORD_1 = (
    """
CREATE TABLE published_events (
    position bigint NOT NULL,
    partition smallint NOT NULL,
    event_id uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    aggregate_version bigint NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    trace text NOT NULL,
    occurred_at timestamptz NOT NULL,
    replays integer NOT NULL,
    published_at timestamptz NOT NULL,
    stream_sequence bigint NOT NULL
) PARTITION BY RANGE (published_at)
""",
    "CREATE INDEX ix_published_events_aggregate_id"
    " ON published_events (aggregate_id, aggregate_version)",
    "CREATE INDEX ix_published_events_stream_sequence ON published_events (stream_sequence)",
    """
CREATE TABLE stream_state (
    only_row boolean NOT NULL DEFAULT true CONSTRAINT pk_stream_state PRIMARY KEY,
    created text NOT NULL DEFAULT '',
    suspicions bigint NOT NULL DEFAULT 0,
    cleared bigint NOT NULL DEFAULT 0,
    forgotten_before timestamptz,
    CONSTRAINT ck_stream_state_only_row CHECK (only_row)
)
""",
    "INSERT INTO stream_state DEFAULT VALUES",
    """
CREATE TABLE replays (
    id uuid CONSTRAINT pk_replays PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    what text NOT NULL,
    events bigint NOT NULL
)
""",
    """
CREATE FUNCTION open_event_days(first_day date, last_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    day date;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('event days'));
    FOR day IN SELECT generate_series(first_day, last_day, interval '1 day') LOOP
        name := 'published_events_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        -- Made apart and then attached, which stops no reader and no writer.
        EXECUTE format('CREATE TABLE %I (LIKE published_events INCLUDING ALL)', name);
        EXECUTE format(
            'ALTER TABLE published_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC'
        );
    END LOOP;
END
$$
""",
    """
CREATE FUNCTION forget_event_days(before_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- Whoever publishes would queue behind us while we wait for somebody who reads.
SET lock_timeout = '50ms' AS $$
DECLARE
    last_day date := least(before_day, (now() AT TIME ZONE 'UTC')::date - 1);
    name text;
    forgotten integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('event days'));
    FOR name IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'published_events'::regclass
            AND relname < 'published_events_' || to_char(last_day, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        forgotten := forgotten + 1;
    END LOOP;
    IF forgotten > 0 THEN
        UPDATE stream_state SET forgotten_before = last_day::timestamp AT TIME ZONE 'UTC';
    END IF;
    RETURN forgotten;
END
$$
""",
    "ALTER TABLE outbox ADD COLUMN replays integer NOT NULL DEFAULT 0",
    """
SELECT open_event_days(
    (coalesce(min(published_at), now()) AT TIME ZONE 'UTC')::date,
    (now() AT TIME ZONE 'UTC')::date + 3
) FROM outbox
""",
    f"""
INSERT INTO published_events ({COLUMNS}, published_at, stream_sequence)
SELECT {COLUMNS}, published_at, stream_sequence FROM outbox WHERE published_at IS NOT NULL
""",
    "DELETE FROM outbox WHERE published_at IS NOT NULL",
    "DROP INDEX ix_outbox_waiting",
    "ALTER TABLE outbox DROP COLUMN published_at, DROP COLUMN stream_sequence",
    # Small and busy: dead rows are to go soon, or each look at it wades through them.
    "ALTER TABLE outbox SET (autovacuum_vacuum_threshold = 1000,"
    " autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0)",
    f"""
CREATE VIEW told_events AS
SELECT {COLUMNS}, published_at, stream_sequence FROM published_events
UNION ALL
SELECT {COLUMNS}, NULL, NULL FROM outbox
""",
)

_FILE = text(
    f"""
    WITH published AS (
        DELETE FROM outbox
        USING unnest(CAST(:positions AS bigint[]), CAST(:sequences AS bigint[]))
            AS new (published_position, sequence)
        WHERE position = published_position
        RETURNING {COLUMNS}, sequence
    ), filed AS (
        INSERT INTO published_events ({COLUMNS}, published_at, stream_sequence)
        SELECT {COLUMNS}, statement_timestamp(), sequence FROM published
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM filed) AS filed, EXISTS (
        -- No two events have one place, unless the stream has gone backwards in between. The
        -- rows that this statement files are not visible to it.
        SELECT FROM published_events
        WHERE stream_sequence BETWEEN CAST(:lowest AS bigint) AND CAST(:highest AS bigint)
            AND (CAST(:gapless AS boolean)
                OR stream_sequence = ANY(CAST(:sequences AS bigint[])))
    ) AS taken
    """
)
_SUSPECT = text("UPDATE stream_state SET suspicions = suspicions + 1")

_OPEN_DAYS = text("SELECT open_event_days(:first_day, :last_day)")
_FORGET_DAYS = text("SELECT forget_event_days(:before_day) AS forgotten")


class RecordBroken(Exception):
    """
    Events that were published are no longer in the outbox: somebody else has taken them.
    """


async def file_published(
    tx: Transaction, positions: Sequence[int], sequences: Sequence[int]
) -> None:
    """
    Move events from the outbox to the record, with the place that each got in the stream.

    Raises:
        RecordBroken: One of them is not in the outbox any more.
    """
    lowest, highest = min(sequences), max(sequences)
    (row,) = await tx.rows(
        _FILE,
        {
            "positions": list(positions),
            "sequences": list(sequences),
            "lowest": lowest,
            "highest": highest,
            "gapless": highest - lowest + 1 == len(sequences),
        },
    )
    if row.filed != len(positions):
        raise RecordBroken(f"{row.filed} of {len(positions)} published events were in the outbox")
    if row.taken:
        await tx.run(_SUSPECT)


async def open_days(tx: Transaction, today: date) -> None:
    """
    Make sure that today's events, and those of the next days, have a table to go to.
    """
    await tx.rows(_OPEN_DAYS, {"first_day": today, "last_day": today + timedelta(days=DAYS_AHEAD)})


async def forget_old_days(tx: Transaction, today: date, *, kept_days: int) -> int:
    """
    Drop the tables of days longer ago than *kept_days*, and return how many there were.
    """
    (row,) = await tx.rows(_FORGET_DAYS, {"before_day": today - timedelta(days=kept_days)})
    forgotten: int = row.forgotten
    return forgotten


def day_of(moment: datetime) -> date:
    """
    Return the day, by UTC, that *moment* is filed under.
    """
    return moment.astimezone(UTC).date()
