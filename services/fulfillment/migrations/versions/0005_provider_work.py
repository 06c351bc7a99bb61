"""
A provider finds the work it has under way.

The index holds work under way only: what it costs does not grow with history.
"""

from chassis.storage.migrations import execute

revision = "0005"
down_revision = "0004"

PROVIDER_WORK = (
    "ALTER TABLE fulfillment_orders ADD COLUMN done_by text",
    """
UPDATE fulfillment_orders SET done_by = offers.provider_id FROM offers
WHERE offers.fulfillment_order_id = fulfillment_orders.id AND offers.state = 'ACCEPTED'
""",
    """
CREATE INDEX ix_fulfillment_orders_under_way ON fulfillment_orders (done_by, id)
    WHERE status = 'IN_PROGRESS'
""",
)


def upgrade() -> None:
    execute(PROVIDER_WORK)
