"""
How fast an order is to arrive.

Safe under a running service: orders placed before are STANDARD, as all were.
"""

from chassis.storage.migrations import execute

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    execute(["ALTER TABLE orders ADD COLUMN service_level text NOT NULL DEFAULT 'STANDARD'"])
