"""
Returns, what was received for them, their labels; and whose order a fulfillment order is of.

Orders that were confirmed before belong to no account here: nothing of them can be returned by
their customers.
"""

from chassis.storage.migrations import execute

revision = "0008"
down_revision = "0007"

ACCOUNTS = ("ALTER TABLE fulfillment_orders ADD COLUMN account_id text NOT NULL DEFAULT ''",)

# The checks are the last line of defence: they hold whatever the code does.
RETURNS = (
    """
CREATE TABLE returns (
    id uuid CONSTRAINT pk_returns PRIMARY KEY,
    version integer NOT NULL,
    event_count bigint NOT NULL,
    trace text NOT NULL,
    order_id uuid NOT NULL,
    account_id text NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    resolution text NOT NULL,
    lines jsonb NOT NULL,
    location_id text NOT NULL,
    created_at timestamptz NOT NULL,
    since timestamptz NOT NULL,
    due_at timestamptz,
    reason text NOT NULL,
    tracking_number text NOT NULL,
    shipment_id uuid,
    refunded_minor_units bigint,
    refunded_currency text,
    replacement_order_id uuid,
    sent_back text,
    to_be_sent_back boolean NOT NULL,
    units bigint NOT NULL,
    counted_units bigint NOT NULL,
    CONSTRAINT ck_returns_kind CHECK (kind IN ('RETURN', 'UNDELIVERED', 'CLAIM')),
    CONSTRAINT ck_returns_state CHECK (
        state IN ('REQUESTED', 'APPROVED', 'DECLINED', 'RECEIVED', 'CLOSED', 'CANCELLED')),
    CONSTRAINT ck_returns_counted CHECK (0 <= counted_units AND counted_units <= units),
    CONSTRAINT ck_returns_received CHECK (
        kind = 'CLAIM' OR (state IN ('RECEIVED', 'CLOSED')) = (counted_units = units)),
    CONSTRAINT ck_returns_waits CHECK (
        (due_at IS NOT NULL) = (state IN ('REQUESTED', 'APPROVED'))),
    CONSTRAINT ck_returns_refunded CHECK (
        (refunded_minor_units IS NULL) = (refunded_currency IS NULL))
)
""",
    "CREATE INDEX ix_returns_order ON returns (order_id)",
    "CREATE INDEX ix_returns_account ON returns (account_id, created_at, id)",
    # These hold what waits for somebody only: what they cost does not grow with history.
    """
CREATE INDEX ix_returns_waiting ON returns (state, since, id)
    WHERE state IN ('REQUESTED', 'APPROVED', 'RECEIVED')
""",
    """
CREATE INDEX ix_returns_waiting_at ON returns (location_id, state, since, id)
    WHERE state IN ('REQUESTED', 'APPROVED', 'RECEIVED')
""",
    "CREATE INDEX ix_returns_to_be_sent_back ON returns (since, id) WHERE to_be_sent_back",
    "CREATE INDEX ix_returns_due ON returns (due_at) WHERE due_at IS NOT NULL",
)

RECEIPTS = """
CREATE TABLE return_receipts (
    id uuid CONSTRAINT pk_return_receipts PRIMARY KEY,
    return_id uuid NOT NULL
        CONSTRAINT fk_return_receipts_return_id_returns REFERENCES returns (id),
    counts jsonb NOT NULL,
    is_last boolean NOT NULL
)
"""

LABELS = """
CREATE TABLE return_labels (
    return_id uuid CONSTRAINT pk_return_labels PRIMARY KEY
        CONSTRAINT fk_return_labels_return_id_returns REFERENCES returns (id),
    tracking_number text NOT NULL,
    media_type text NOT NULL,
    content bytea NOT NULL
)
"""


def upgrade() -> None:
    execute((*ACCOUNTS, *RETURNS, RECEIPTS, LABELS))
