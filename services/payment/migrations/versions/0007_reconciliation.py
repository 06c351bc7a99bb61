"""Settlement reports, their rows, and where they and the books disagree."""

from chassis.storage.migrations import execute

revision = "0007"
down_revision = "0006"

REPORTS = (
    """
CREATE TABLE settlement_reports (
    id uuid CONSTRAINT pk_settlement_reports PRIMARY KEY,
    psp_account text NOT NULL,
    report_id text NOT NULL,
    state text NOT NULL,
    rows integer NOT NULL,
    begins_at timestamptz,
    ends_at timestamptz,
    step text NOT NULL,
    position integer NOT NULL,
    cursor uuid NOT NULL,
    matched integer NOT NULL,
    fees jsonb NOT NULL,
    reconciled_at timestamptz,
    CONSTRAINT ck_settlement_reports_state
        CHECK (state IN ('IMPORTING', 'MATCHING', 'RECONCILED')),
    CONSTRAINT ck_settlement_reports_period
        CHECK (state = 'IMPORTING' OR coalesce(begins_at < ends_at, false))
) WITH (fillfactor = 70)
""",
    """
CREATE INDEX ix_settlement_reports_psp_account ON settlement_reports (psp_account, begins_at)
""",
    """
CREATE TABLE settlement_windows (
    psp_account text CONSTRAINT pk_settlement_windows PRIMARY KEY,
    closed_until timestamptz,
    begins_at timestamptz,
    ends_at timestamptz,
    due_at timestamptz NOT NULL,
    CONSTRAINT ck_settlement_windows_period CHECK (
        (begins_at IS NULL) = (ends_at IS NULL) AND coalesce(begins_at < ends_at, true)
    )
)
""",
)

# Whatever goes wrong above: a row of the PSP's is seen to once, and settles one movement; a
# movement is settled once.
ROWS = (
    """
CREATE TABLE settlement_rows (
    report uuid NOT NULL,
    position integer NOT NULL,
    psp_account text NOT NULL,
    row_id text NOT NULL,
    kind text NOT NULL,
    source_id text NOT NULL,
    transaction_id uuid,
    currency text NOT NULL,
    gross bigint NOT NULL,
    fee bigint NOT NULL,
    net bigint NOT NULL,
    created_at timestamptz NOT NULL,
    outcome text,
    movement_id uuid,
    movement text,
    CONSTRAINT pk_settlement_rows PRIMARY KEY (report, position),
    CONSTRAINT ck_settlement_rows_outcome CHECK (
        outcome IN ('MATCHED', 'MISSING_HERE', 'WRONG_AMOUNT', 'REPEATED', 'DOUBLED')
    ),
    CONSTRAINT ck_settlement_rows_movement CHECK (
        (movement_id IS NULL) = (movement IS NULL)
        AND (movement_id IS NULL OR coalesce(outcome IN ('MATCHED', 'WRONG_AMOUNT'), false))
    )
) WITH (fillfactor = 70)
""",
    """
CREATE INDEX ix_settlement_rows_undecided ON settlement_rows (report, position)
    WHERE outcome IS NULL
""",
    """
CREATE UNIQUE INDEX uq_settlement_rows_row_id ON settlement_rows (psp_account, row_id)
    WHERE outcome IS NOT NULL AND outcome <> 'REPEATED'
""",
    """
CREATE UNIQUE INDEX uq_settlement_rows_movement_id ON settlement_rows (movement_id, movement)
    WHERE movement_id IS NOT NULL
""",
)

DIFFERENCES = (
    """
CREATE TABLE settlement_differences (
    id uuid CONSTRAINT pk_settlement_differences PRIMARY KEY,
    report uuid NOT NULL,
    psp_account text NOT NULL,
    kind text NOT NULL,
    position integer,
    transaction_id uuid,
    movement text,
    payment_id uuid,
    merchant text NOT NULL,
    currency text,
    expected bigint,
    proposal text NOT NULL,
    correction jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    state text NOT NULL,
    resolved_at timestamptz,
    resolve_reason text NOT NULL,
    CONSTRAINT ck_settlement_differences_kind CHECK (
        kind IN ('MISSING_HERE', 'MISSING_THERE', 'WRONG_AMOUNT', 'DUPLICATED')
    ),
    CONSTRAINT ck_settlement_differences_state CHECK (state IN ('OPEN', 'CORRECTED', 'DISMISSED')),
    CONSTRAINT ck_settlement_differences_resolved
        CHECK ((state = 'OPEN') = (resolved_at IS NULL))
) WITH (fillfactor = 70)
""",
    """
CREATE UNIQUE INDEX uq_settlement_differences_missing_there
    ON settlement_differences (transaction_id, movement) WHERE kind = 'MISSING_THERE'
""",
    """
CREATE INDEX ix_settlement_differences_missing_here ON settlement_differences (psp_account, id)
    WHERE kind = 'MISSING_HERE' AND state = 'OPEN'
""",
    # Three ways of leafing through them, each in the order that they came.
    """
CREATE INDEX ix_settlement_differences_state ON settlement_differences (state, created_at, id)
""",
    """
CREATE INDEX ix_settlement_differences_kind
    ON settlement_differences (state, kind, created_at, id)
""",
    """
CREATE INDEX ix_settlement_differences_report
    ON settlement_differences (report, state, created_at, id)
""",
)

# A row without our transaction's id is found by the PSP's own.
REFERENCES = (
    """
CREATE INDEX ix_payment_transactions_refund ON payment_transactions (psp_reference)
    WHERE kind = 'REFUND' AND psp_reference <> ''
""",
    """
CREATE INDEX ix_payment_transactions_chargeback ON payment_transactions (request_id)
    WHERE kind = 'CHARGEBACK'
""",
)

# Only where the service has a role of its own, as it has in every cluster.
PRIVILEGES = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'retail_payment') THEN
        REVOKE DELETE, TRUNCATE
            ON settlement_reports, settlement_rows, settlement_differences, settlement_windows
            FROM retail_payment;
    END IF;
END $$
"""


def upgrade() -> None:
    execute((*REPORTS, *ROWS, *DIFFERENCES, *REFERENCES, PRIVILEGES))
