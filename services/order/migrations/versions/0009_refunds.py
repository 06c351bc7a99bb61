"""
What is paid back of orders, as the orders and their history note it.

Safe under a running service: what is added has defaults, which are true, as nothing was paid back
before.
"""

from chassis.storage.migrations import execute

revision = "0009"
down_revision = "0008"

ORDERS = """
ALTER TABLE orders
    ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
    ADD COLUMN payment_heard bigint NOT NULL DEFAULT 0
"""

HISTORY = """
ALTER TABLE {table}
    ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
    ADD COLUMN charged_back bigint NOT NULL DEFAULT 0
"""


def upgrade() -> None:
    tables = ("order_history", "order_history_rebuild")
    execute([ORDERS, *(HISTORY.format(table=table) for table in tables)])
