"""Providers are asked to give up work they have accepted, and have some time to answer."""

from chassis.storage.migrations import execute

revision = "0006"
down_revision = "0005"

CANCELLATIONS = (
    """
ALTER TABLE fulfillment_orders
    ADD COLUMN answer_cancellation_by timestamptz,
    ADD CONSTRAINT ck_fulfillment_orders_asked CHECK (
        request_status <> 'CANCELLATION_REQUESTED' OR (status = 'IN_PROGRESS'
            AND dispatched_units = 0 AND answer_cancellation_by IS NOT NULL))
""",
    # It holds open cancellations only: what it costs does not grow with history.
    """
CREATE INDEX ix_fulfillment_orders_asked ON fulfillment_orders (answer_cancellation_by)
    INCLUDE (id, order_id) WHERE request_status = 'CANCELLATION_REQUESTED'
""",
)


def upgrade() -> None:
    execute(CANCELLATIONS)
