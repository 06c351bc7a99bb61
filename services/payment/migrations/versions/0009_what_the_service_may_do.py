"""
What the service may do to payments is no more than it does; an account is one that there is.
"""

from chassis.storage.migrations import execute

revision = "0009"
down_revision = "0008"

ACCOUNTS = """
ALTER TABLE ledger_accounts ADD CONSTRAINT ck_ledger_accounts_account CHECK (
    account IN ('customer_receivable', 'psp_clearing', 'sales', 'shipping_income', 'refunds',
        'chargebacks', 'psp_fees', 'bank', 'suspense')
)
"""

PRIVILEGES = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'retail_payment') THEN
        REVOKE DELETE, TRUNCATE ON payments, payment_transactions, chargebacks FROM retail_payment;
    END IF;
END $$
"""


def upgrade() -> None:
    execute((ACCOUNTS, PRIVILEGES))
