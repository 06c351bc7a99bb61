"""
Tables that are made of months: no cost grows with history, and an old month is put away whole.

Rows belong to the month in which the UUIDv7 of what they speak of was made, so that an id says
where it is. The next months have their tables before they begin; old ones may be detached, with
all that belongs to them, into the schema `archive`: nobody reads them there, and they stay for the
operator to dump and drop. ADR-0023.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date

from sqlalchemy import text

from chassis.backoff import backoff_seconds
from chassis.kernel.clock import Clock, system_clock
from chassis.outages import in_words, is_outage
from chassis.repeat import repeat
from chassis.storage.database import Database

log = logging.getLogger(__name__)

# So many months have their tables before they begin; a service that was off for longer makes them
# when it starts.
MONTHS_AHEAD = 3

KEEP_SECONDS = 600.0

_OPEN = text("SELECT open_months(:month, :ahead) AS opened")
_ARCHIVE = text("SELECT archive_month(:before) AS archived")


@dataclass(frozen=True, slots=True, kw_only=True)
class Monthly:
    """
    A table that is made of months.

    Attributes:
        key: The column that says which month a row belongs to: a UUIDv7.
        storage: How the tables of the months are stored, such as `fillfactor = 60`.
    """

    name: str
    key: str
    storage: str = "fillfactor = 100"


def month_tables(tables: Sequence[Monthly], *, busy: str) -> tuple[str, ...]:
    """
    Return the statements that turn plain tables into tables of months.

    What is there becomes the first month: everything up to the end of the present one. Nothing is
    written anew, but each table is read once, and closed for that long.

    Args:
        tables: The first one has a row for each thing that the others speak of.
        busy: Says of a row of the first table that it may still change: a month that holds one
            is never put away.
    """
    names = ", ".join(f"'{table.name}'" for table in tables)
    keys = ", ".join(f"'{table.key}'" for table in tables)
    storage = ", ".join(f"'{table.storage}'" for table in tables)
    return (
        "CREATE SCHEMA archive",
        _FIRST_ID_OF,
        _DIVIDE.format(names=names, keys=keys),
        _OPEN_MONTHS.format(names=names, storage=storage, root=tables[0].name),
        _FIRST_KEPT_ID.format(root=tables[0].name),
        month_archive(tables, busy=busy),
        f"SELECT open_months((now() AT TIME ZONE 'UTC')::date, {MONTHS_AHEAD})",
    )


def month_archive(tables: Sequence[Monthly], *, busy: str) -> str:
    """
    Return the statement after which a month of *tables* is put away unless *busy* says of a row of
    the first one that it may still change. It may ask other tables.
    """
    names = ", ".join(f"'{table.name}'" for table in tables)
    parents = ", ".join(table.name for table in tables)
    return _ARCHIVE_MONTH.format(names=names, parents=parents, root=tables[0].name, busy=busy)


_FIRST_ID_OF = """
CREATE FUNCTION first_id_of(moment timestamp) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT AS $$
    -- The least UUIDv7 of its first millisecond, by UTC.
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0')
        || '70008000000000000000')::uuid
$$
"""

_DIVIDE = """
DO $$
DECLARE
    names text[] := ARRAY[{names}];
    keys text[] := ARRAY[{keys}];
    month date := date_trunc('month', now() AT TIME ZONE 'UTC');
    suffix text := to_char(month, '_YYYYMM');
    first text;
    index text;
BEGIN
    FOR number IN 1 .. cardinality(names) LOOP
        first := names[number] || suffix;
        FOR index IN
            SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
            WHERE indrelid = names[number]::regclass
        LOOP
            EXECUTE format('ALTER INDEX %I RENAME TO %I', index, index || suffix);
        END LOOP;
        EXECUTE format('ALTER TABLE %I RENAME TO %I', names[number], first);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) PARTITION BY RANGE (%I)',
            names[number], first, keys[number]);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)',
            names[number], first, first_id_of(month + interval '1 month'));
    END LOOP;
END
$$
"""

# The service may not change its schema: it may call two functions that do this and no more.
_OPEN_MONTHS = """
CREATE FUNCTION open_months(from_day date, ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    names text[] := ARRAY[{names}];
    storage text[] := ARRAY[{storage}];
    month timestamp := date_trunc('month', from_day::timestamp);
    oldest text;
    name text;
    opened integer := 0;
BEGIN
    IF month > now() AT TIME ZONE 'UTC' + interval '3 months' OR ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'no month is opened from % on, % ahead: is a clock wrong?', month, ahead;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('months'));
    SELECT min(right(relname, 6)) INTO STRICT oldest
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = '{root}'::regclass;
    -- Clocks differ: at the turn of a month, somebody may still be in the old one.
    FOR month IN
        SELECT generate_series(
            date_trunc('month', (from_day - 1)::timestamp),
            month + make_interval(months => ahead), '1 month'
        )
    LOOP
        -- The first month holds all that is older; what was put away is not opened again.
        CONTINUE WHEN to_char(month, 'YYYYMM') <= oldest;
        FOR number IN 1 .. cardinality(names) LOOP
            name := names[number] || to_char(month, '_YYYYMM');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            -- Made apart and then attached, which stops no reader and no writer.
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL) WITH (%s)',
                name, names[number], storage[number]);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                names[number], name, first_id_of(month), first_id_of(month + interval '1 month'));
            opened := opened + 1;
        END LOOP;
    END LOOP;
    RETURN opened;
END
$$
"""

_FIRST_KEPT_ID = """
CREATE FUNCTION first_kept_id() RETURNS uuid LANGUAGE sql STABLE AS $$
    -- What is older was put away.
    SELECT CASE
        WHEN pg_get_expr(relpartbound, pg_class.oid) LIKE '%MINVALUE%'
            THEN '00000000-0000-0000-0000-000000000000'
        ELSE first_id_of(to_date(right(relname, 6), 'YYYYMM')::timestamp) END
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = '{root}'::regclass ORDER BY relname LIMIT 1
$$
"""

_ARCHIVE_MONTH = """
CREATE OR REPLACE FUNCTION archive_month(before_day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
-- Whoever reads and writes would queue behind us while we wait for somebody else.
SET lock_timeout = '50ms' AS $$
DECLARE
    names text[] := ARRAY[{names}];
    -- Never the present month, whatever the clock of the service says.
    first_kept text := to_char(least(before_day, (now() AT TIME ZONE 'UTC')::date), 'YYYYMM');
    month text;
    is_busy boolean;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('months'));
    FOR month IN
        SELECT right(relname, 6) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = '{root}'::regclass AND right(relname, 6) < first_kept
        ORDER BY relname
    LOOP
        EXECUTE format($busy$SELECT EXISTS (SELECT FROM %I WHERE {busy})$busy$, '{root}_' || month)
            INTO is_busy;
        -- Nor anything younger: what is kept begins at one moment.
        EXIT WHEN is_busy;
        -- All at once, as whoever writes to the first one goes on to the others.
        LOCK TABLE ONLY {parents} IN ACCESS EXCLUSIVE MODE;
        FOREACH name IN ARRAY names LOOP
            EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', name, name || '_' || month);
            EXECUTE format('ALTER TABLE %I SET SCHEMA archive', name || '_' || month);
        END LOOP;
        -- One month a transaction: nobody waits long.
        RETURN month;
    END LOOP;
    RETURN NULL;
END
$$
"""


class Months:
    """
    Sees to it that there is a table for every month, and puts old months away.

    Args:
        kept_months: So many months stay besides the present one; 0: all.
    """

    def __init__(
        self, database: Database, *, kept_months: int, clock: Clock = system_clock
    ) -> None:
        self._database = database
        self._kept_months = kept_months
        self._clock = clock

    async def get_ready(self) -> None:
        """
        Wait until the present month and the next ones have their tables: before anybody writes.
        """
        failures = 0
        while True:
            try:
                return await self.open()
            except Exception as error:
                if not is_outage(error):
                    raise
                failures += 1
                log.warning("months: cannot begin: %s: %s", type(error).__name__, error)
                await asyncio.sleep(backoff_seconds(failures, most=2.0))

    async def run(self) -> None:
        """
        Open and put away until cancelled. Any number of replicas may do so at once.
        """
        await repeat(self.keep_up, name="months", every_seconds=KEEP_SECONDS)

    async def open(self) -> None:
        """
        Make the tables of this month and the next ones. Safe to repeat: those that are there stay.
        """
        async with self._database.begin() as tx:
            (row,) = await tx.rows(_OPEN, {"month": self._today(), "ahead": MONTHS_AHEAD})
        if row.opened:
            log.info("months: %s tables made", row.opened)

    async def archive(self) -> Sequence[str]:
        """
        Put away the months that are old enough, up to the first one that holds something that may
        still change; return which. Safe to repeat: each is put away once, as a whole or not at all.
        """
        archived: list[str] = []
        while self._kept_months:
            before = months_before(self._today(), self._kept_months)
            async with self._database.begin() as tx:
                (row,) = await tx.rows(_ARCHIVE, {"before": before})
            if not row.archived:
                break
            archived.append(row.archived)
            log.info("months: %s was put away", row.archived)
        return archived

    async def keep_up(self) -> None:
        """
        Open and put away what is due.
        """
        await self.open()
        try:
            await self.archive()
        except Exception as error:
            # Somebody reads for long: it is no hurry, but a month that never goes has a reason.
            if not is_outage(error):
                raise
            log.warning("months: nothing is put away now: %s", in_words(error))

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()


def months_before(day: date, months: int) -> date:
    """
    Return the first day of the month so many months before the one of *day*.
    """
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, 1)
