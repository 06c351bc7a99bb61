"""Payments, the books, the outbox, and the simulated PSP's own records."""

from chassis.events.outbox import OUTBOX_1
from chassis.storage.migrations import execute

revision = "0001"
down_revision = None

PAYMENTS = (
    """
CREATE TABLE payments (
    id uuid CONSTRAINT pk_payments PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    currency text NOT NULL,
    psp_token text,
    closed boolean NOT NULL,
    authorized bigint NOT NULL,
    authorized_pending bigint NOT NULL,
    captured bigint NOT NULL,
    captured_pending bigint NOT NULL,
    voided bigint NOT NULL,
    voided_pending bigint NOT NULL,
    refunded bigint NOT NULL,
    refunded_pending bigint NOT NULL,
    CONSTRAINT ck_payments_within_authorization
        CHECK (captured + captured_pending + voided + voided_pending <= authorized),
    CONSTRAINT ck_payments_within_captured CHECK (refunded + refunded_pending <= captured),
    CONSTRAINT ck_payments_not_negative CHECK (
        least(authorized, authorized_pending, captured, captured_pending, voided, voided_pending,
            refunded, refunded_pending) >= 0
    )
) WITH (fillfactor = 70)
""",
    """
CREATE TABLE payment_transactions (
    id uuid CONSTRAINT pk_payment_transactions PRIMARY KEY,
    payment_id uuid NOT NULL
        CONSTRAINT fk_payment_transactions_payment_id_payments REFERENCES payments,
    kind text NOT NULL,
    state text NOT NULL,
    amount bigint NOT NULL,
    shipping bigint NOT NULL,
    capture_id uuid,
    psp_reference text NOT NULL,
    failure text NOT NULL,
    requested_at timestamptz NOT NULL,
    ask_again_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT ck_payment_transactions_amount
        CHECK (amount > 0 AND shipping BETWEEN 0 AND amount),
    CONSTRAINT ck_payment_transactions_kind
        CHECK (kind IN ('AUTHORIZATION', 'CAPTURE', 'VOID', 'REFUND', 'CHARGEBACK')),
    CONSTRAINT ck_payment_transactions_state
        CHECK (state IN ('REQUESTED', 'SUCCEEDED', 'FAILED', 'UNKNOWN')),
    CONSTRAINT ck_payment_transactions_capture_id
        CHECK ((kind = 'CAPTURE') = (capture_id IS NOT NULL))
) WITH (fillfactor = 70)
""",
    "CREATE INDEX ix_payment_transactions_payment_id ON payment_transactions (payment_id)",
    """
CREATE INDEX ix_payment_transactions_open ON payment_transactions (ask_again_at)
    WHERE state IN ('REQUESTED', 'UNKNOWN')
""",
)

LEDGER = (
    """
CREATE TABLE ledger_entries (
    id uuid CONSTRAINT pk_ledger_entries PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    kind text NOT NULL,
    payment_id uuid NOT NULL,
    transaction_id uuid NOT NULL CONSTRAINT uq_ledger_entries_transaction_id UNIQUE
)
""",
    "CREATE INDEX ix_ledger_entries_payment_id ON ledger_entries (payment_id)",
    """
CREATE TABLE ledger_postings (
    entry_id uuid NOT NULL
        CONSTRAINT fk_ledger_postings_entry_id_ledger_entries REFERENCES ledger_entries,
    line smallint NOT NULL,
    account text NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT pk_ledger_postings PRIMARY KEY (entry_id, line),
    CONSTRAINT ck_ledger_postings_amount CHECK (amount <> 0)
)
""",
    """
CREATE TABLE ledger_balances (
    account text NOT NULL,
    currency text NOT NULL,
    shard smallint NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT pk_ledger_balances PRIMARY KEY (account, currency, shard)
) WITH (fillfactor = 20)
""",
)

# No posting is zero, so an entry that adds up to zero has two of them at least.
BALANCED = (
    """
CREATE FUNCTION demand_balanced_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
    balanced boolean;
BEGIN
    IF TG_TABLE_NAME = 'ledger_entries' THEN
        checked := NEW.id;
    ELSE
        checked := NEW.entry_id;
    END IF;
    SELECT bool_and(total = 0) INTO balanced FROM (
        SELECT sum(amount) AS total FROM ledger_postings WHERE entry_id = checked GROUP BY currency
    ) AS currencies;
    IF balanced IS NOT TRUE THEN
        RAISE EXCEPTION 'ledger entry % does not balance', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_ledger_balanced';
    END IF;
    RETURN NULL;
END
$$
""",
    """
CREATE CONSTRAINT TRIGGER ck_ledger_balanced AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION demand_balanced_entry()
""",
    """
CREATE CONSTRAINT TRIGGER ck_ledger_balanced AFTER INSERT ON ledger_postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION demand_balanced_entry()
""",
)

APPEND_ONLY = (
    """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is in % stays as it is: book a correction', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$
""",
    """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
""",
    """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
""",
)

# As the owner: the service itself cannot touch a balance. One shard a connection, so that
# transactions at the same time rarely wait for each other; in one order, so that they never wait
# in a circle.
BALANCES = (
    """
CREATE FUNCTION move_balances() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_balances AS kept (account, currency, shard, amount)
    SELECT account, currency, pg_backend_pid() % 16, sum(amount) FROM added
    GROUP BY account, currency ORDER BY account, currency
    ON CONFLICT (account, currency, shard) DO UPDATE SET amount = kept.amount + excluded.amount;
    RETURN NULL;
END
$$
""",
    """
CREATE TRIGGER move_balances AFTER INSERT ON ledger_postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION move_balances()
""",
)

# A stranger's records, which happen to be kept here. No foreign keys lead there or back.
PSP = (
    "CREATE SCHEMA psp",
    """
CREATE TABLE psp.charges (
    reference text CONSTRAINT pk_charges PRIMARY KEY,
    merchant_reference uuid NOT NULL,
    currency text NOT NULL,
    authorized bigint NOT NULL,
    captured bigint NOT NULL DEFAULT 0,
    released bigint NOT NULL DEFAULT 0,
    CONSTRAINT ck_charges_within_authorization
        CHECK (captured >= 0 AND released >= 0 AND captured + released <= authorized)
) WITH (fillfactor = 70)
""",
    "CREATE INDEX ix_charges_merchant_reference ON psp.charges (merchant_reference)",
    """
CREATE TABLE psp.operations (
    key uuid CONSTRAINT pk_operations PRIMARY KEY,
    kind text NOT NULL,
    charge text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    failure text NOT NULL,
    asks integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
)
""",
)

# Only where the service has a role of its own, as it has in every cluster.
PRIVILEGES = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'retail_payment') THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON ledger_entries, ledger_postings FROM retail_payment;
        REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON ledger_balances FROM retail_payment;
        GRANT USAGE ON SCHEMA psp TO retail_payment;
        GRANT SELECT, INSERT, UPDATE ON psp.charges, psp.operations TO retail_payment;
    END IF;
END $$
"""


def upgrade() -> None:
    execute(OUTBOX_1)
    execute((*PAYMENTS, *LEDGER, *BALANCED, *APPEND_ONLY, *BALANCES))
    execute((*PSP, PRIVILEGES))
