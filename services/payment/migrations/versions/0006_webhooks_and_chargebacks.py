"""What the PSP tells by webhook, and chargebacks."""

from chassis.storage.migrations import execute

revision = "0006"
down_revision = "0005"

# An event is written twice, as it comes and when it is done, and leaves three quarters of its
# length behind: little room is kept, and dead rows are cleared away early.
PSP_EVENTS = (
    """
CREATE TABLE psp_events (
    account text NOT NULL,
    id text NOT NULL,
    type text NOT NULL,
    payload text,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    reason text NOT NULL DEFAULT '',
    CONSTRAINT pk_psp_events PRIMARY KEY (account, id),
    CONSTRAINT ck_psp_events_state CHECK (state IN ('RECEIVED', 'DONE', 'FAILED')),
    CONSTRAINT ck_psp_events_payload CHECK ((payload IS NULL) = (state = 'DONE'))
) WITH (autovacuum_vacuum_scale_factor = 0.02)
""",
    "CREATE INDEX ix_psp_events_waiting ON psp_events (due_at) WHERE state = 'RECEIVED'",
    "CREATE INDEX ix_psp_events_done ON psp_events (received_at) WHERE state = 'DONE'",
    "CREATE INDEX ix_psp_events_failed ON psp_events (received_at) WHERE state = 'FAILED'",
)

CHARGEBACKS = (
    """
CREATE TABLE chargebacks (
    id text CONSTRAINT pk_chargebacks PRIMARY KEY,
    payment_id uuid NOT NULL CONSTRAINT fk_chargebacks_payment_id_payments REFERENCES payments,
    merchant text NOT NULL,
    account text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    opened_at timestamptz NOT NULL,
    evidence_due_at timestamptz,
    evidence text,
    tracking_number text,
    fingerprint text NOT NULL,
    asked_at timestamptz,
    submitted_at timestamptz,
    ask_again_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    warned_at timestamptz,
    CONSTRAINT ck_chargebacks_amount CHECK (amount > 0),
    CONSTRAINT ck_chargebacks_state
        CHECK (state IN ('NEEDS_RESPONSE', 'UNDER_REVIEW', 'WON', 'LOST'))
)
""",
    "CREATE INDEX ix_chargebacks_payment_id ON chargebacks (payment_id)",
    """
CREATE INDEX ix_chargebacks_open ON chargebacks (coalesce(evidence_due_at, 'infinity'), id)
    WHERE state IN ('NEEDS_RESPONSE', 'UNDER_REVIEW')
""",
    """
CREATE INDEX ix_chargebacks_state
    ON chargebacks (state, coalesce(evidence_due_at, 'infinity'), id)
""",
    """
CREATE INDEX ix_chargebacks_unsubmitted ON chargebacks (ask_again_at) WHERE evidence IS NOT NULL
""",
    """
CREATE INDEX ix_chargebacks_unwarned ON chargebacks (evidence_due_at)
    WHERE state = 'NEEDS_RESPONSE' AND warned_at IS NULL
""",
)


def upgrade() -> None:
    execute((*PSP_EVENTS, *CHARGEBACKS))
