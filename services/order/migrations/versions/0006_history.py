"""What became of orders, as the events of all services tell it; and where it is made anew."""

from chassis.storage.migrations import execute

revision = "0006"
down_revision = "0005"

HISTORY = """
CREATE TABLE order_history (
    order_id uuid CONSTRAINT pk_order_history PRIMARY KEY,
    account_id text NOT NULL,
    status text NOT NULL,
    payment_status text NOT NULL,
    fulfillment_status text NOT NULL,
    reason text NOT NULL,
    currency text NOT NULL,
    grand_total bigint NOT NULL,
    goods jsonb NOT NULL,
    units_at jsonb NOT NULL,
    placed_at timestamptz,
    confirmed_at timestamptz,
    ended_at timestamptz,
    authorized boolean NOT NULL,
    voided boolean NOT NULL,
    captured bigint NOT NULL,
    works jsonb NOT NULL,
    order_version bigint NOT NULL,
    payment_version bigint NOT NULL
) WITH (fillfactor = 70)
"""

# As above, and up to which event each aggregate was read, from its first one on without a gap.
REBUILD = """
CREATE UNLOGGED TABLE order_history_rebuild (
    LIKE order_history INCLUDING STORAGE,
    seen jsonb NOT NULL,
    CONSTRAINT pk_order_history_rebuild PRIMARY KEY (order_id)
)
"""

# The service may not truncate its tables; this one it may empty.
EMPTY = """
CREATE FUNCTION empty_order_history_rebuild() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    TRUNCATE order_history_rebuild
$$
"""


def upgrade() -> None:
    execute(
        [
            HISTORY,
            "CREATE INDEX ix_order_history_account_id ON order_history (account_id, order_id DESC)",
            REBUILD,
            EMPTY,
        ]
    )
