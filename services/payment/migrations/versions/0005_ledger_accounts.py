"""
The books by merchant, as of any time, and written by one function only (ADR-0029).

It writes all postings anew: stop the service for it.
"""

from chassis.storage.migrations import execute

revision = "0005"
down_revision = "0004"

ENTRIES = (
    "DROP TRIGGER append_only ON ledger_entries",
    "DROP TRIGGER append_only ON ledger_postings",
    """
ALTER TABLE ledger_entries
    ADD merchant text NOT NULL DEFAULT 'main',
    ALTER payment_id DROP NOT NULL,
    DROP CONSTRAINT uq_ledger_entries_transaction_id
""",
    "ALTER TABLE ledger_entries ALTER merchant DROP DEFAULT",
    "ALTER TABLE ledger_entries RENAME transaction_id TO cause_id",
    """
ALTER TABLE ledger_entries
    ADD CONSTRAINT uq_ledger_entries_cause_id UNIQUE (cause_id, kind)
""",
)

# What was booked at one moment is now booked a microsecond apart: the moment says which posting
# came first. All of it is on shard 0. Without a foreign key: it is a fifth of what booking costs,
# and only `book_entries` adds postings, with their entries.
POSTINGS = (
    """
CREATE TABLE new_postings (
    entry_id uuid NOT NULL,
    line integer NOT NULL,
    merchant text NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    shard smallint NOT NULL,
    booked_at timestamptz NOT NULL,
    amount bigint NOT NULL,
    balance bigint NOT NULL
)
""",
    """
INSERT INTO new_postings
SELECT entry_id, line, merchant, account, currency, 0, booked_at, amount,
    sum(amount) OVER (PARTITION BY merchant, account, currency ORDER BY booked_at, line)
FROM ledger_postings JOIN (
    SELECT id, merchant, number * interval '1 microsecond' +
        max(occurred_at - number * interval '1 microsecond') OVER (ORDER BY number) AS booked_at
    FROM (
        SELECT *, row_number() OVER (ORDER BY occurred_at, id) AS number FROM ledger_entries
    ) AS numbered
) AS entries ON id = entry_id
""",
    "DROP TABLE ledger_postings",
    "DROP TABLE ledger_balances",
    "ALTER TABLE new_postings RENAME TO ledger_postings",
    """
ALTER TABLE ledger_postings
    ADD CONSTRAINT pk_ledger_postings PRIMARY KEY (entry_id, line),
    ADD CONSTRAINT ck_ledger_postings_amount CHECK (amount <> 0)
""",
    """
CREATE UNIQUE INDEX ix_ledger_postings_account
    ON ledger_postings (merchant, account, currency, shard, booked_at, line)
""",
    """
CREATE TABLE ledger_accounts (
    merchant text NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    shard smallint NOT NULL,
    CONSTRAINT pk_ledger_accounts PRIMARY KEY (merchant, account, currency, shard)
)
""",
    """
INSERT INTO ledger_accounts SELECT DISTINCT merchant, account, currency, shard FROM ledger_postings
""",
)

CHECKS = (
    """
CREATE TRIGGER ck_ledger_balanced AFTER INSERT ON ledger_postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION demand_balanced_postings()
""",
    "DROP FUNCTION move_balances()",
    *(
        f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""
        for table in ("ledger_accounts", "ledger_entries", "ledger_postings")
    ),
)

# As the owner: the service cannot write into the books in any other way. A backend has one shard,
# so a transaction that books twice never holds one and waits for another.
BOOK = """
CREATE FUNCTION book_entries(
    ids uuid[], kinds text[], merchants text[], causes uuid[], payments uuid[],
    occurred timestamptz[],
    numbers integer[], accounts text[], currencies text[], amounts bigint[]
) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    turn CONSTANT smallint := pg_backend_pid() % 16;
    booked integer;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'entries are booked on what others have committed meanwhile'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    PERFORM pg_advisory_xact_lock(x'4C454447'::integer, turn);
    -- A statement of its own: it sees what the last holder of the lock has committed.
    WITH entry AS (
        SELECT * FROM unnest(ids, kinds, merchants, causes, payments, occurred) WITH ORDINALITY
            AS given (id, kind, merchant, cause_id, payment_id, occurred_at, number)
    ), posting AS (
        SELECT entry.id, given.line, merchant, account, currency, amount,
            sum(amount) OVER (PARTITION BY merchant, account, currency ORDER BY line) AS added
        FROM unnest(numbers, accounts, currencies, amounts) WITH ORDINALITY
            AS given (number, account, currency, amount, line) JOIN entry USING (number)
    ), touched AS (
        SELECT key.*, booked_at, coalesce(balance, 0) AS balance
        FROM (SELECT DISTINCT merchant, account, currency FROM posting) AS key
        LEFT JOIN LATERAL (
            SELECT booked_at, balance FROM ledger_postings AS last
            WHERE (last.merchant, last.account, last.currency, last.shard)
                = (key.merchant, key.account, key.currency, turn)
            ORDER BY booked_at DESC, line DESC LIMIT 1
        ) AS last ON true
    ), now AS MATERIALIZED (
        -- Later than what it follows, whatever becomes of the clock.
        SELECT greatest(clock_timestamp(), max(booked_at) + interval '1 microsecond') AS moment
        FROM touched
    ), written_entries AS (
        INSERT INTO ledger_entries (id, occurred_at, kind, merchant, payment_id, cause_id)
        SELECT id, occurred_at, kind, merchant, payment_id, cause_id FROM entry
    ), written_accounts AS (
        INSERT INTO ledger_accounts (merchant, account, currency, shard)
        SELECT merchant, account, currency, turn FROM touched WHERE booked_at IS NULL
    )
    INSERT INTO ledger_postings
        (entry_id, line, merchant, account, currency, shard, booked_at, amount, balance)
    SELECT id, line, merchant, account, currency, turn, moment, amount, balance + added
    FROM posting JOIN touched USING (merchant, account, currency), now;
    GET DIAGNOSTICS booked = ROW_COUNT;
    RETURN booked;
END
$$
"""

# Whoever asks what was booked up to a moment that has passed waits for those who are about to
# commit with an earlier one; whoever books next does it later. Each lock is given back at once,
# with the block around it: nobody waits for somebody who waits.
WAIT = """
CREATE FUNCTION wait_for_bookings() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    since CONSTANT timestamptz := clock_timestamp();
BEGIN
    FOR turn IN 0 .. 15 LOOP
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(x'4C454447'::integer, turn);
            RAISE EXCEPTION USING ERRCODE = 'WB000';
        EXCEPTION WHEN SQLSTATE 'WB000' THEN
            NULL;
        END;
    END LOOP;
    RETURN since;
END
$$
"""

# Only where the service has a role of its own, as it has in every cluster.
PRIVILEGES = """
DO $$ BEGIN
    REVOKE ALL ON FUNCTION book_entries FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'retail_payment') THEN
        REVOKE INSERT, UPDATE, DELETE, TRUNCATE
            ON ledger_accounts, ledger_entries, ledger_postings FROM retail_payment;
        GRANT EXECUTE ON FUNCTION book_entries TO retail_payment;
    END IF;
END $$
"""


def upgrade() -> None:
    execute((*ENTRIES, *POSTINGS, *CHECKS, BOOK, WAIT, PRIVILEGES))
