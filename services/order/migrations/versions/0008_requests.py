"""
What is asked of orders under way: to be cancelled, to be changed; and what was set aside for each.

Safe under a running service: what is added has defaults. Orders under way are told what was set
aside for them, which is their grand total, as none was changed before.
"""

from chassis.storage.migrations import execute

revision = "0008"
down_revision = "0007"

ORDERS = """
ALTER TABLE orders
    ADD COLUMN authorized bigint NOT NULL DEFAULT 0,
    ADD COLUMN cancellation jsonb,
    ADD COLUMN change jsonb
"""

AUTHORIZED = """
UPDATE orders SET authorized = grand_total
WHERE status IN ('PENDING', 'PLACED') AND payment_status <> 'NONE'
"""


def upgrade() -> None:
    execute([ORDERS, AUTHORIZED])
