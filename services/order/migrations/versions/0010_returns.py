"""
What comes back of orders and is made good; orders that cost nothing; parcels that were lost.

Safe under a running service: what is added has defaults, which are true, as nothing came back
before. That totals may be zero is not checked anew, as all of them are above it.
"""

from chassis.storage.migrations import execute
from chassis.storage.months import Monthly, month_archive

revision = "0010"
down_revision = "0009"

# Not made of months: each is found by its own id, which is that of its saga.
RETURNS = """
CREATE TABLE order_returns (
    id uuid CONSTRAINT pk_order_returns PRIMARY KEY,
    order_id uuid NOT NULL,
    kind text NOT NULL,
    resolution text NOT NULL,
    state text NOT NULL,
    location_id text NOT NULL,
    goods jsonb NOT NULL,
    units jsonb NOT NULL,
    refund bigint,
    shipping bigint,
    replacement_id uuid,
    received_at timestamptz NOT NULL,
    CONSTRAINT ck_order_returns_refund CHECK (refund >= shipping AND shipping >= 0)
) WITH (fillfactor = 70)
"""

ORDERS = """
ALTER TABLE orders
    ADD COLUMN for_return_id uuid,
    ADD COLUMN return_count integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT ck_orders_total,
    ADD CONSTRAINT ck_orders_total
        CHECK (grand_total = items_total + shipping - discount AND grand_total >= 0) NOT VALID
"""

# With an order of which something is being made good, its month stays.
TABLES = (
    Monthly(name="orders", key="id"),
    Monthly(name="order_lines", key="order_id"),
    Monthly(name="order_shipments", key="order_id"),
    Monthly(name="order_timeline", key="order_id"),
)
BUSY = """status IN ('PENDING', 'PLACED')
    OR id IN (SELECT order_id FROM order_returns WHERE state = 'SETTLING')"""

HISTORY = """
ALTER TABLE {table} ADD COLUMN returns jsonb NOT NULL DEFAULT '{{}}'
"""


def upgrade() -> None:
    histories = ("order_history", "order_history_rebuild")
    execute(
        [
            RETURNS,
            "CREATE INDEX ix_order_returns_order_id ON order_returns (order_id)",
            "CREATE INDEX ix_order_returns_settling ON order_returns (order_id)"
            " WHERE state = 'SETTLING'",
            ORDERS,
            "ALTER TABLE order_shipments ADD COLUMN lost_at timestamptz",
            *(HISTORY.format(table=table) for table in histories),
            month_archive(TABLES, busy=BUSY),
        ]
    )
