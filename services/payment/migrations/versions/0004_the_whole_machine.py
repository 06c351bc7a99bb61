"""
Increments, refunds, chargebacks and expiry; merchants, and the account at the PSP.

It rewrites the transactions' table: stop the service for it.
"""

from chassis.storage.migrations import execute

revision = "0004"
down_revision = "0003"

PAYMENTS = (
    """
ALTER TABLE payments
    ADD merchant text NOT NULL DEFAULT 'main',
    ADD psp_account text NOT NULL DEFAULT 'main',
    ADD expired boolean NOT NULL DEFAULT false,
    ADD expires_at timestamptz,
    ADD close_at timestamptz,
    ADD charged_back bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_payments_within_authorization,
    DROP CONSTRAINT ck_payments_within_captured,
    DROP CONSTRAINT ck_payments_not_negative,
    ADD CONSTRAINT ck_payments_within_authorization CHECK (captured + voided <= authorized),
    ADD CONSTRAINT ck_payments_within_captured CHECK (refunded <= captured),
    ADD CONSTRAINT ck_payments_not_negative CHECK (
        least(authorized, authorized_pending, captured, captured_pending, voided, voided_pending,
            refunded, refunded_pending, charged_back) >= 0
    )
""",
    """
ALTER TABLE payments
    ALTER merchant DROP DEFAULT, ALTER psp_account DROP DEFAULT, ALTER expired DROP DEFAULT,
    ALTER charged_back DROP DEFAULT
""",
    "CREATE INDEX ix_payments_close_at ON payments (close_at) WHERE close_at IS NOT NULL",
)

TRANSACTIONS = (
    """
ALTER TABLE payment_transactions
    ADD moved bigint,
    ADD request_id text NOT NULL DEFAULT '',
    ADD reason text NOT NULL DEFAULT '',
    DROP CONSTRAINT ck_payment_transactions_capture_id
""",
    """
UPDATE payment_transactions SET
    request_id = coalesce(CAST(capture_id AS text), ''),
    moved = CASE WHEN state = 'SUCCEEDED' THEN amount END
""",
    """
ALTER TABLE payment_transactions
    DROP capture_id,
    ALTER request_id DROP DEFAULT, ALTER reason DROP DEFAULT,
    ADD CONSTRAINT ck_payment_transactions_request_id
        CHECK (kind = 'AUTHORIZATION' OR (kind = 'VOID') = (request_id = '')),
    ADD CONSTRAINT ck_payment_transactions_moved
        CHECK (coalesce(moved > 0, state <> 'SUCCEEDED'))
""",
    """
CREATE INDEX ix_payment_transactions_psp_reference ON payment_transactions (psp_reference)
    WHERE kind = 'AUTHORIZATION' AND request_id = '' AND psp_reference <> ''
""",
)


def upgrade() -> None:
    execute((*PAYMENTS, *TRANSACTIONS))
