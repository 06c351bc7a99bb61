"""
Orders, with lines, parcels and timeline, in a table a month (ADR-0023).

What is there becomes the first month. It is read once to make sure that it fits, with the tables
closed: stop the service for it.
"""

from chassis.storage.migrations import execute
from chassis.storage.months import Monthly, month_tables

revision = "0003"
down_revision = "0002"

TABLES = (
    # Room to write an order anew beside its old form, as it changes about ten times.
    Monthly(name="orders", key="id", storage="fillfactor = 60"),
    Monthly(name="order_lines", key="order_id"),
    Monthly(name="order_shipments", key="order_id"),
    Monthly(name="order_timeline", key="order_id"),
)


NAMES = (
    "ALTER INDEX orders_pkey RENAME TO pk_orders",
    "ALTER INDEX orders_account_id_id_idx RENAME TO ix_orders_account_id",
    "ALTER INDEX order_lines_pkey RENAME TO pk_order_lines",
    "ALTER INDEX order_shipments_pkey RENAME TO pk_order_shipments",
    "ALTER INDEX order_timeline_pkey RENAME TO pk_order_timeline",
)


def upgrade() -> None:
    execute(month_tables(TABLES, busy="status IN ('PENDING', 'PLACED')"))
    execute(NAMES)
