"""What shipping and discounts are made of; limits of accounts; requests that are forgotten."""

from chassis.storage.idempotency import IDEMPOTENCY_2
from chassis.storage.migrations import execute

revision = "0004"
down_revision = "0003"

CHARGES = (
    "ALTER TABLE orders ADD COLUMN shipping_lines jsonb NOT NULL DEFAULT '[]',"
    " ADD COLUMN discount_lines jsonb NOT NULL DEFAULT '[]'"
)

LIMITS = """
CREATE TABLE account_limits (
    account_id text CONSTRAINT pk_account_limits PRIMARY KEY,
    open_orders integer NOT NULL,
    open_values jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT ck_account_limits_open_orders CHECK (open_orders >= 0)
)
"""

# What is under way, and with it what keeps a month from being put away.
OPEN = "CREATE INDEX ix_orders_open ON orders (account_id) WHERE status IN ('PENDING', 'PLACED')"


def upgrade() -> None:
    execute([CHARGES, LIMITS, OPEN, IDEMPOTENCY_2])
